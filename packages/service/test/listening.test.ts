import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, isIPv6, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Logger, silentLogger } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Certificates } from '../../../test/support/certificates.ts'
import { newFolder } from '../../../test/support/new-folder.ts'
import { sharedInFile } from '../../../test/support/shared-in-file.ts'
import type { App } from '../src/http/context.ts'
import { acceptOnSecondAddress } from '../src/http/second-address.ts'
import { type RunningService, readServiceConfiguration, startService } from '../src/index.ts'
import { serviceLinksIn } from '../src/service-links.ts'
import { get, newLog, post, signal } from './http/support/test-service.ts'
import { http2Client } from './tls/support/http2-client.ts'
import { ask } from './tls/support/secure-service.ts'

const theHouse = sharedInFile(
  async () => {
    const certificates = await Certificates.make()
    const authority = await certificates.newAuthority()
    return { certificates, ca: authority.caFile, server: await authority.issue('localhost') }
  },
  ({ certificates }) => certificates.remove()
)

interface Started {
  readonly service: RunningService
  readonly port: number
  /** The host that the service says it listens on. */
  readonly host: string
  readonly lines: readonly string[]
}

/** A service with nothing in its environment but this. */
async function started(environment: Record<string, string> = {}): Promise<Started> {
  const lines: { details: object; message: string }[] = []
  const keep: Logger['info'] = (details, message) => void lines.push({ details, message })
  const logger: Logger = { ...silentLogger, info: keep, warn: keep }
  const all = { EVENT_SERVICE_PORT: '0', ...(await newLog('sqlite')), ...environment }
  const service = await startService({ environment: all, logger })
  onTestFinished(() => service.close())
  const details = lines.find(({ message }) => message === 'the event service listens')?.details
  return {
    service,
    port: Number(new URL(service.url).port),
    host: (details as { configuration: { host: string } }).configuration.host,
    lines: lines.map(({ message }) => message)
  }
}

/** Whether somebody listens there. */
async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const answer = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false)
  ]).catch(() => false)
  socket.destroy()
  return answer
}

const addresses = Object.values(networkInterfaces()).flatMap((each = []) => each)
/** An address of this machine that others reach. */
const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
/** The last is that of IPv6 where the machine has it. */
const LOOPBACK = ['127.0.0.1', '::1'].filter((known) => addresses.some(({ address }) => address === known))
const LAST = LOOPBACK.at(-1) as string

function urlOf(host: string, port: number, scheme = 'http'): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

const SAYS_HOW = expect.stringMatching(/listens on this machine alone.*set EVENT_SERVICE_HOST/)

describe('a service that nobody told who may use it', () => {
  test('listens on both loopback addresses and on no other, and says how to listen wider', async () => {
    const { port, host, lines } = await started()
    expect(host).toBe('localhost')
    for (const address of LOOPBACK) expect(await listens(address, port)).toBe(true)
    if (outside !== undefined) expect(await listens(outside, port)).toBe(false)
    expect(lines).toContainEqual(SAYS_HOW)
  })

  test('answers on both, as one service', async () => {
    const { service, port } = await started()
    expect((await post(`${urlOf(LAST, port)}/events`, signal())).status).toBe(200)
    for (const host of [...LOOPBACK, 'localhost']) {
      expect((await get(`${urlOf(host, port)}/events`)).body.count).toBe(1)
    }
    await service.close()
    for (const host of LOOPBACK) expect(await listens(host, port)).toBe(false)
  })

  test('listens where EVENT_SERVICE_HOST says, and says nothing of it', async () => {
    const { port, host, lines } = await started({ EVENT_SERVICE_HOST: '0.0.0.0' })
    expect(host).toBe('0.0.0.0')
    if (outside !== undefined) expect(await listens(outside, port)).toBe(true)
    expect(lines).not.toContainEqual(SAYS_HOW)
  })

  test('speaks TLS on both addresses where it has a certificate', async () => {
    const { ca, server } = await theHouse()
    const { port, host } = await started({ EVENT_TLS_CERT_FILE: server.certFile, EVENT_TLS_KEY_FILE: server.keyFile })
    expect(host).toBe('localhost')
    const trust = { ca: await readFile(ca), servername: 'localhost' }
    for (const address of LOOPBACK) {
      const url = urlOf(address, port, 'https')
      expect((await ask(`${url}/events`, { ...trust, agent: false })).status).toBe(200)
      expect((await http2Client(url, trust).ask('GET', '/events')).status).toBe(200)
    }
  })

  test('does not start when another process has its port on one of them, and says where', async () => {
    const other = createServer().listen(0, LAST)
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const starting = startService({
      environment: { EVENT_SERVICE_PORT: String(port), ...(await newLog('sqlite')) },
      logger: silentLogger
    })
    const place = urlOf(LAST, port).replace('http://', '')
    await expect(starting).rejects.toThrow(`Another process listens on ${place}; end it, or set EVENT_SERVICE_PORT.`)
    other.close()
    await waitFor(async () => !(await listens('127.0.0.1', port)), { what: 'an end of the first address' })
  })
})

test.each<[what: string, environment: () => Promise<Record<string, string>>]>([
  ['EVENT_AUTH=required', async () => ({ EVENT_AUTH: 'required' })],
  ['EVENT_AUTH=off', async () => ({ EVENT_AUTH: 'off' })],
  ['a policy', async () => ({ EVENT_POLICY_FILE: await written('{}') })],
  [
    'tokens',
    async () => ({
      EVENT_JWT_ISSUER: 'https://login.example',
      EVENT_JWT_AUDIENCE: 'tradpal-events',
      EVENT_JWT_KEY_FILE: await written(publicKey())
    })
  ],
  [
    'client certificates',
    async () => {
      const { ca, server } = await theHouse()
      return { EVENT_TLS_CERT_FILE: server.certFile, EVENT_TLS_KEY_FILE: server.keyFile, EVENT_TLS_CLIENT_CA_FILE: ca }
    }
  ]
])('with %s a service listens on every IPv4 address', async (_, environment) => {
  const { host, port, lines } = await started(await environment())
  expect(host).toBe('0.0.0.0')
  expect(await listens('127.0.0.1', port)).toBe(true)
  expect(lines).not.toContainEqual(SAYS_HOW)
})

test('EVENT_SERVICE_HOST=localhost is both loopback addresses, also where credentials are asked for', async () => {
  const { port, lines } = await started({ EVENT_SERVICE_HOST: 'localhost', EVENT_AUTH: 'required' })
  for (const host of LOOPBACK) expect(await listens(host, port)).toBe(true)
  expect(lines).not.toContainEqual(SAYS_HOW)
})

describe('the second address', () => {
  test('shares EVENT_MAX_CONNECTIONS with the first', async () => {
    const { port } = await started({ EVENT_MAX_CONNECTIONS: '3' })
    const first = [await open('127.0.0.1', port), await open(LAST, port), await open('127.0.0.1', port)]
    for (const host of LOOPBACK) {
      const further = (await open(host, port)).resume()
      await waitFor(() => further.closed, { what: `the end of a fourth connection, to ${host}` })
    }
    expect(first.map(({ closed }) => closed)).toEqual([false, false, false])
    first[0]?.destroy()
    const isAnswered = () => get(`${urlOf(LAST, port)}/health`).then(Boolean, () => false)
    await waitFor(isAnswered, { what: 'room for another' })
  })

  test('is bounded by EVENT_MAX_CONNECTIONS_PER_ADDRESS', async () => {
    const { port } = await started({ EVENT_MAX_CONNECTIONS_PER_ADDRESS: '1' })
    await open(LAST, port)
    expect((await get(`${urlOf(LAST, port)}/health`)).status).toBe(429)
  })

  test('holds the end of the service up by no connection on which nothing is asked', async () => {
    const { service, port } = await started()
    const silent = (await open(LAST, port)).resume()
    await get(`${urlOf(LAST, port)}/health`)
    await service.close()
    await waitFor(() => silent.closed)
  })

  test('is answered before anything is closed that answers need', async () => {
    const steps: string[] = []
    const answering = Promise.withResolvers<void>()
    const app = fastify() as unknown as App
    app.get('/', async () => {
      steps.push('asked')
      await answering.promise
      steps.push('answered')
      return 'late'
    })
    app.addHook('onClose', async () => void steps.push('closed'))
    acceptOnSecondAddress(app, { speaksTls: false })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    expect(await app.listenAlso('127.0.0.2')).toBe(true)

    const client = await open('127.0.0.2', port)
    const answer = text(client)
    client.write('GET / HTTP/1.0\r\n\r\n')
    await waitFor(() => steps.length === 1)
    const closing = app.close()
    await waitFor(async () => !(await listens('127.0.0.2', port)) && !(await listens('127.0.0.1', port)))
    answering.resolve()
    await closing

    expect(await answer).toMatch(/late$/)
    expect(steps).toEqual(['asked', 'answered', 'closed'])
  })

  test('is left out where the machine has no such address', async () => {
    const app = fastify() as unknown as App
    acceptOnSecondAddress(app, { speaksTls: false })
    onTestFinished(() => app.close())
    await app.listen({ host: '127.0.0.1', port: 0 })
    // Of the addresses for documentation, which no machine has (RFC 3849).
    expect(await app.listenAlso('2001:db8::1')).toBe(false)
  })
})

async function open(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port })
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

function publicKey(): string {
  return generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

async function written(content: string): Promise<string> {
  const file = join(await newFolder(), 'file')
  await writeFile(file, content)
  return file
}

describe('what Kubernetes injects for a Service', () => {
  const IGNORED = /^variables that Kubernetes has set for a Service are ignored/
  const ownPort = 'EVENT_SERVICE_PORT'
  const ownHost = 'EVENT_SERVICE_HOST'

  test.each<[service: string, environment: Record<string, string>, ignored: string[], host: unknown, port: number]>([
    [
      'event-service',
      {
        EVENT_SERVICE_PORT: 'tcp://10.0.0.1:8011',
        EVENT_SERVICE_PORT_8011_TCP: 'tcp://10.0.0.1:8011',
        EVENT_SERVICE_PORT_8011_TCP_PROTO: 'tcp',
        EVENT_SERVICE_PORT_8011_TCP_PORT: '8011',
        EVENT_SERVICE_PORT_8011_TCP_ADDR: '10.0.0.1',
        EVENT_SERVICE_SERVICE_HOST: '10.0.0.1',
        EVENT_SERVICE_SERVICE_PORT: '8011'
      },
      [ownPort],
      undefined,
      8011
    ],
    [
      'event-service, beside a host that the pod sets',
      { EVENT_SERVICE_PORT: 'tcp://[fd00::1]:80', EVENT_SERVICE_HOST: '0.0.0.0' },
      [ownPort],
      '0.0.0.0',
      8011
    ],
    [
      'event',
      {
        EVENT_SERVICE_HOST: '10.0.0.1',
        EVENT_SERVICE_PORT: '80',
        EVENT_PORT: 'tcp://10.0.0.1:80',
        EVENT_PORT_80_TCP: 'tcp://10.0.0.1:80',
        EVENT_PORT_80_TCP_PROTO: 'tcp',
        EVENT_PORT_80_TCP_PORT: '80',
        EVENT_PORT_80_TCP_ADDR: '10.0.0.1'
      },
      [ownHost, ownPort],
      undefined,
      8011
    ],
    [
      'event, with an IPv6 address',
      { EVENT_SERVICE_HOST: 'fd00::1', EVENT_SERVICE_PORT: '80', EVENT_PORT: 'tcp://[fd00::1]:80' },
      [ownHost, ownPort],
      undefined,
      8011
    ],
    [
      'event, beside a port that the pod sets',
      { EVENT_SERVICE_HOST: '10.0.0.1', EVENT_SERVICE_PORT: '9000', EVENT_PORT: 'tcp://10.0.0.1:80' },
      [ownHost],
      undefined,
      9000
    ],
    [
      'event, beside a host that the pod sets',
      { EVENT_SERVICE_HOST: '0.0.0.0', EVENT_SERVICE_PORT: '9000', EVENT_PORT: 'tcp://10.0.0.1:80' },
      [],
      '0.0.0.0',
      9000
    ],
    ['none', { EVENT_SERVICE_HOST: '10.0.0.1', EVENT_SERVICE_PORT: '8012' }, [], '10.0.0.1', 8012]
  ])('named %s is ignored', (_, environment, ignored, host, port) => {
    expect(serviceLinksIn(environment)).toEqual(ignored)
    expect(readServiceConfiguration(environment)).toMatchObject({ host, port })
  })

  test('is told once, and the service starts', async () => {
    const environment = { EVENT_SERVICE_HOST: '10.0.0.1', EVENT_PORT: 'tcp://10.0.0.1:8011' }
    const { host, lines } = await started(environment)
    expect(host).toBe('localhost')
    expect(lines.filter((line) => IGNORED.test(line))).toHaveLength(1)
    expect((await started()).lines.filter((line) => IGNORED.test(line))).toEqual([])
  })
})
