import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ofHouse, secureService } from '../tls/support/secure-service.ts'
import { runCommand, temporaryFolder } from './support/command.ts'

const house = ofHouse()

/** A service that knows `ml_service` by its certificate, and what to give a command to reach it. */
async function known() {
  const folder = await temporaryFolder()
  const policy = join(folder, 'policy.json')
  await writeFile(policy, JSON.stringify({ principals: { ml_service: { scopes: ['*'] } } }))
  const { authority, server } = house
  const { url } = await secureService(server, { EVENT_TLS_CLIENT_CA_FILE: authority.caFile, EVENT_POLICY_FILE: policy })
  return { url, folder, caFile: authority.caFile, ...(await authority.issue('ml_service')) }
}

test('a command reaches a service with TLS and client certificates, by options and by the environment', async () => {
  const { url, caFile, certFile, keyFile } = await known()
  const files = {
    EVENT_CLIENT_CA_FILE: caFile,
    EVENT_CLIENT_CERT_FILE: certFile,
    EVENT_CLIENT_KEY_FILE: keyFile
  }

  const options = ['--url', url, '--ca', caFile, '--cert', certFile, '--cert-key', keyFile]
  const published = await runCommand(['publish', 'system_health', ...options])
  const listed = await runCommand(['events', '--json'], { env: { EVENT_SERVICE_URL: url, ...files } })
  const stranger = await runCommand(['events', '--url', url, '--ca', caFile])

  expect(published).toMatchObject({ code: 0, stderr: '' })
  // Nobody else than the service says who it was.
  expect(JSON.parse(listed.stdout)).toMatchObject({ source: 'ml_service', metadata: { principal: 'ml_service' } })
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining(published.stdout.trim()) })
  expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining('(unauthenticated)') })
})

test('an API key comes from a file or the environment, and is in no message', async () => {
  const { url, folder, caFile, certFile, keyFile } = await known()
  const key = 'tradpal_abcdefghijkl_not-the-right-one'
  const file = join(folder, 'key')
  await writeFile(file, `${key}\n`)
  const certificate = ['--ca', caFile, '--cert', certFile, '--cert-key', keyFile]

  // Each wins over the certificate, which alone would do.
  const byFile = await runCommand(['stats', '--url', url, ...certificate, '--api-key-file', file])
  const byVariable = await runCommand(['stats', '--url', url, ...certificate], { env: { EVENT_API_KEY: key } })

  for (const { code, stderr } of [byFile, byVariable]) {
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(unauthenticated)') })
    expect(stderr).not.toContain(key)
  }
})

test.each<[string, string[], RegExp]>([
  ['a certificate without its key', ['--cert', 'a.pem'], /--cert and --cert-key belong together/],
  ['a file that is not there', ['--ca', '/nowhere/ca.pem'], /\/nowhere\/ca\.pem, cannot be read/],
  ['a key file that is not there', ['--api-key-file', '/nowhere/key'], /--api-key-file \/nowhere\/key cannot be read/],
  ['TLS of a log', ['--ca', 'a.pem', '--log', 'a.db'], /--ca is of a service: give --url, not --log/]
])('%s is refused with 2', async (_, options, sentence) => {
  const { code, stderr } = await runCommand(['stats', ...options])

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(sentence) })
})

test('serve takes none of them', async () => {
  const { code, stderr } = await runCommand(['serve', '--ca', 'a.pem'])

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('serve is configured by EVENT_TLS') })
})
