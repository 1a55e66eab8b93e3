import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventClient } from '@tradpal/event-client'
import { tlsFetch } from '@tradpal/event-client/node'
import { expect, test } from 'vitest'
import { secureService } from '../tls/support/secure-service.ts'
import { runCommand, temporaryFolder } from './support/command.ts'

const DAY_MS = 86_400_000

async function certs(dir: string, ...args: string[]) {
  return runCommand(['certs', 'dev', '--dir', dir, ...args])
}

function certificate(dir: string, name: string): X509Certificate {
  return new X509Certificate(readFileSync(join(dir, `${name}.pem`)))
}

test('certs dev makes what a service and a client need to know each other', async () => {
  const dir = join(await temporaryFolder(), 'certs')
  const file = (name: string) => join(dir, name)

  const made = await certs(dir, '--client', 'ml_service')

  expect(made).toMatchObject({ code: 0, stderr: '' })
  const server = { certFile: file('server.pem'), keyFile: file('server-key.pem') }
  const { url } = await secureService(server, { EVENT_TLS_CLIENT_CA_FILE: file('ca.pem') })
  const own = { caFile: file('ca.pem'), certFile: file('ml_service.pem'), keyFile: file('ml_service-key.pem') }
  await using client = new EventClient({ url, fetch: tlsFetch(own) })
  // Known by its name, and allowed nothing: there is no policy.
  await expect(client.getEvents()).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('ml_service')
  })
})

test('its files are for their owner alone, its certificates for the names given, for 90 days, and the authority for longer', async () => {
  const dir = await temporaryFolder()

  await certs(dir, '--name', 'localhost,events.internal,10.0.0.7', '--client', 'a,b')

  const names = await readdir(dir)
  const files = ['ca', 'server', 'a', 'b'].flatMap((name) => [`${name}.pem`, `${name}-key.pem`])
  expect(names.toSorted()).toEqual(files.toSorted())
  for (const name of names) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600)
  await certs(join(dir, 'new', 'folder'), '--name', 'localhost')
  for (const folder of ['new', 'new/folder']) expect(statSync(join(dir, folder)).mode & 0o777).toBe(0o700)
  const [ca, server] = [certificate(dir, 'ca'), certificate(dir, 'server')]
  for (const host of ['localhost', 'events.internal']) expect(server.checkHost(host)).toBe(host)
  expect(server.checkIP('10.0.0.7')).toBe('10.0.0.7')
  const daysOf = ({ validToDate }: X509Certificate) => (validToDate.getTime() - Date.now()) / DAY_MS
  expect(daysOf(server)).toBeCloseTo(90, 1)
  expect(daysOf(ca)).toBeGreaterThan(365)
  expect(server.checkIssued(ca) && server.verify(ca.publicKey)).toBe(true)
})

test('what is there stays as it is, and a client can be added; --force makes all but the authority anew', async () => {
  const dir = await temporaryFolder()
  await certs(dir, '--client', 'a')
  const serials = () => ['ca', 'server', 'a'].map((name) => certificate(dir, name).serialNumber)
  const before = serials()

  const added = await certs(dir, '--client', 'a,b', '--json')
  const kept = serials()
  await certs(dir, '--client', 'a', '--force')
  const [ca, server, a] = serials()

  expect(JSON.parse(added.stdout).certificates).toMatchObject(
    [false, false, false, true].map((isMade) => ({ made: isMade }))
  )
  expect(kept).toEqual(before)
  expect(ca).toBe(before[0])
  expect(server).not.toBe(before[1])
  expect(a).not.toBe(before[2])
})

test.each(['ca', 'server', '../a', 'a-key', 'a b'])('a client may not have the name %s', async (name) => {
  const dir = await temporaryFolder()

  const { code, stderr } = await certs(dir, '--client', name)

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('The name of a client must be') })
  expect(await readdir(dir)).toEqual([])
})

test.each(['a b', '-', 'a..b', 'https://a'])('a service may not have the name %s', async (name) => {
  const dir = await temporaryFolder()

  const { code, stderr } = await certs(dir, '--name', name)

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('The name of a service must be') })
  expect(await readdir(dir)).toEqual([])
})

test('a key without its certificate is written over by nothing', async () => {
  const dir = await temporaryFolder()
  await writeFile(join(dir, 'ca-key.pem'), 'mine')

  const { code, stderr } = await certs(dir)

  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/There is .*ca-key\.pem and no .*ca\.pem/)
  })
  expect(readFileSync(join(dir, 'ca-key.pem'), 'utf8')).toBe('mine')
})
