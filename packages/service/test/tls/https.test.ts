import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http2'
import { connect as connectPlainly } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect, type SecureVersion } from 'node:tls'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { signal } from '../http/support/test-service.ts'
import { http2Client } from './support/http2-client.ts'
import { ask, keptAlive, ofHouse, secureService } from './support/secure-service.ts'

const house = ofHouse()

test('with a certificate and a key it speaks HTTPS, and says so', async () => {
  const lines: object[] = []
  const keep = (fields: object, msg: string) => void lines.push({ ...fields, msg })
  const logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger }

  const service = await secureService(house.server, {}, { logger })

  expect(service.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'the event service listens', url: service.url }))
  expect(await ask(`${service.url}/health`, { ca: house.ca })).toMatchObject({ status: 200 })
})

/** What a handshake ends with: the protocol and the cipher, or the code of the failure. */
async function shakeHands(url: string, options: ConnectionOptions): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: house.ca, ...options })
  onTestFinished(() => void socket.destroy())
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(`${socket.getProtocol()} ${socket.getCipher().name}`))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)))
  })
}

test.each(['TLSv1', 'TLSv1.1'] as const)('a client that speaks no more than %s is refused', async (version) => {
  const { url } = await secureService(house.server)
  const old: ConnectionOptions = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }

  expect(await shakeHands(url, old)).toMatch(/ALERT_PROTOCOL_VERSION/)
})

test.each<[string, SecureVersion]>([
  ['ECDHE-ECDSA-AES128-SHA', 'TLSv1.2'],
  ['ECDHE-ECDSA-AES256-SHA384', 'TLSv1.2']
])('a cipher that does not authenticate what it encrypts, %s, is refused', async (ciphers, maxVersion) => {
  const { url } = await secureService(house.server)

  expect(await shakeHands(url, { ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion })).toMatch(/HANDSHAKE_FAILURE/)
})

test.each<[string, SecureVersion]>([
  ['ECDHE-ECDSA-AES128-GCM-SHA256', 'TLSv1.2'],
  ['ECDHE-ECDSA-CHACHA20-POLY1305', 'TLSv1.2'],
  ['TLS_AES_256_GCM_SHA384', 'TLSv1.3']
])('a client that speaks %s by %s is served', async (ciphers, version) => {
  const { url } = await secureService(house.server)

  expect(await shakeHands(url, { ciphers, minVersion: version, maxVersion: version })).toBe(`${version} ${ciphers}`)
})

test('all works over HTTP/2, on one connection: publishing, queries, HEAD, problems, replay and the live stream', async () => {
  const { url } = await secureService(house.server)
  const client = http2Client(url, { ca: house.ca })
  const stream = await client.open('/events/stream')
  await waitFor(() => stream.text().includes('event: position'))

  const published = await client.ask('POST', '/events', { body: JSON.stringify(signal('ETH/USDT')) })
  const found = await client.ask('GET', '/events?limit=1')
  const head = await client.ask('HEAD', '/events')
  const problem = await client.ask('GET', '/nowhere')
  const broken = await client.ask('POST', '/events', { body: '{' })
  const replay = await client.ask('POST', '/events/replay', { headers: { accept: 'application/x-ndjson' } })
  await waitFor(() => stream.text().includes('ETH/USDT'))

  const { message_id } = JSON.parse(published.text)
  expect(JSON.parse(found.text).events).toMatchObject([{ message_id, data: { symbol: 'ETH/USDT' } }])
  expect(head).toMatchObject({ status: 200, text: '' })
  expect(problem).toMatchObject({ status: 404, type: 'application/problem+json' })
  expect(broken).toMatchObject({ status: 400, type: 'application/problem+json' })
  expect(JSON.parse(replay.text)).toMatchObject({ message_id })
  expect(stream.text()).toContain(`id: ${message_id}`)
})

test('a caller that leaves a stream over HTTP/2 ends it', async () => {
  const { url } = await secureService(house.server)
  const client = http2Client(url, { ca: house.ca })
  const openStreams = async () => JSON.parse((await client.ask('GET', '/health')).text).open_streams
  const stream = await client.open('/events/stream')
  expect(await openStreams()).toBe(1)

  stream.close()

  await waitFor(async () => (await openStreams()) === 0, { what: 'the end of the stream' })
})

test('it stops soon: streams over HTTP/2 end, and connections on which nothing is asked are let go', async () => {
  const service = await secureService(house.server)
  const client = http2Client(service.url, { ca: house.ca })
  const stream = await client.open('/events/stream')
  const port = Number(new URL(service.url).port)
  const idle = connect({ host: '127.0.0.1', port, ca: house.ca })
  const silent = connectPlainly(port, '127.0.0.1')
  const closed = Promise.all([idle, silent].map((socket) => once(socket.resume(), 'close')))
  await Promise.all([once(idle, 'secureConnect'), once(silent, 'connect')])
  const agent = keptAlive({ ca: house.ca })
  await ask(service.url, { agent })
  const started = performance.now()

  await service.close()

  expect(performance.now() - started).toBeLessThan(9_000)
  await closed
  expect(await stream.ended).toBe('end')
})

test('what is no HTTP is answered over TLS too', async () => {
  const { url } = await secureService(house.server)
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: house.ca })
  onTestFinished(() => void socket.destroy())

  socket.write('HELO example\r\n\r\n')

  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(.+\r\n)+\r\n.*"The request is not HTTP\/1\.1\."/)
})

test('a service that nobody configured asks where a client by HTTP/2 comes from, too', async () => {
  const { url } = await secureService(house.server)
  const client = http2Client(url, { ca: house.ca })

  const near = await client.ask('GET', '/events')
  const far = await client.ask('GET', '/events', { headers: { 'x-forwarded-for': '8.8.8.8' } })

  expect([near.status, far.status]).toEqual([200, 403])
})

test('a request without a body names any content type over HTTP/2 too', async () => {
  const { url } = await secureService(house.server)
  const client = http2Client(url, { ca: house.ca })
  const replay = { ':method': 'POST', ':path': '/events/replay', 'content-type': 'application/octet-stream' }
  const ended = client.session.request(replay, { endStream: true })
  const [answer] = (await once(ended, 'response')) as [IncomingHttpHeaders & { ':status'?: number }]
  expect(answer[':status']).toBe(200)

  const asked = { headers: { 'content-type': 'application/octet-stream', 'content-length': '0' } }
  expect(await client.ask('POST', '/events/replay', asked)).toMatchObject({ status: 200 })
  const withBody = { headers: { 'content-type': 'application/octet-stream' }, body: '{}' }
  expect(await client.ask('POST', '/events/replay', withBody)).toMatchObject({ status: 415 })
})
