import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectSecurely } from 'node:tls'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { answersIn, connectTo } from '../http/support/raw-request.ts'
import { get, post, serviceOver, signal } from '../http/support/test-service.ts'
import {
  DATA,
  END_HEADERS,
  frame,
  HEADERS,
  headerBlock,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS
} from '../tls/support/http2-frames.ts'
import { ask, ofHouse, secureService } from '../tls/support/secure-service.ts'
import { keyOf, policyFile } from './support/who.ts'

const house = ofHouse()
/** One body fits, and a second one of that size does not. */
const NARROW = { EVENT_MAX_BODY_BYTES: '100000', EVENT_MAX_BODY_BYTES_IN_FLIGHT: '150000' }

/** An event of this many bytes. */
function padded(bytes: number): string {
  const event = JSON.stringify(signal())
  return event.padEnd(bytes, ' ')
}

/** Sends the head and a part of a body, and waits until the service has read it. */
async function halfSent(
  url: string,
  sent = 90_000,
  path = '/events',
  headers = ''
): Promise<{ socket: Socket; answer: () => string }> {
  const socket = await connectTo(url)
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}Content-Length: ${sent + 1}\r\n\r\n${' '.repeat(sent)}`
  )
  return { socket, answer: () => answer }
}

const isFull = async (url: string) => (await post(`${url}/events`, padded(90_000))).status === 503

async function bytesInFlight(url: string): Promise<number> {
  return Number(/^event_service_body_bytes_in_flight (\S+)/m.exec((await get(`${url}/metrics`)).text)?.[1])
}

test('more bytes of bodies than may be in flight are refused with 503, and there is room again when one ends', async () => {
  const { url } = await serviceOver('sqlite', NARROW)
  const { socket } = await halfSent(url)
  await waitFor(() => isFull(url))

  const refused = await post(`${url}/events`, padded(90_000))

  expect(refused).toMatchObject({
    status: 503,
    body: {
      code: 'service_unavailable',
      detail: expect.stringMatching(
        /^The service has 150000 bytes of request bodies under way.*EVENT_MAX_BODY_BYTES_IN_FLIGHT/
      )
    }
  })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await post(`${url}/events`, signal())).status, 'a small one has room').toBe(200)
  expect((await get(`${url}/metrics`)).text).toMatch(/event_service_rate_limited_total\{limit="body_bytes"\} [1-9]/)
  socket.destroy()
  await waitFor(async () => (await post(`${url}/events`, padded(90_000))).status === 200)
})

test('a principal that has as many bytes in flight as it may is refused with 429, and no other is', async () => {
  const policy = await policyFile({
    principals: { some: { scopes: ['publish:*'], sources: ['*'] }, other: { scopes: ['publish:*'], sources: ['*'] } }
  })
  const service = await serviceOver('sqlite', {
    EVENT_MAX_BODY_BYTES: '100000',
    EVENT_MAX_BODY_BYTES_IN_FLIGHT_PER_PRINCIPAL: '150000',
    EVENT_POLICY_FILE: policy
  })
  const [some, other] = [await keyOf(service, 'some'), await keyOf(service, 'other')]
  const publish = (key: string) => post(`${service.url}/events`, padded(90_000), { 'x-api-key': key })
  await halfSent(service.url, 90_000, '/events', `X-API-Key: ${some}\r\n`)

  const refused = await waitFor(async () => {
    const answer = await publish(some)
    return answer.status === 429 && answer
  })

  expect(refused.body.detail).toMatch(
    /^some has 150000 bytes of request bodies under way.*EVENT_MAX_BODY_BYTES_IN_FLIGHT_PER_PRINCIPAL, or body_bytes of the policy/
  )
  expect((await publish(other)).status).toBe(200)
})

/** What requests with bodies of 90,000 bytes may come to. */
const ENDINGS: Record<string, (url: string) => Promise<unknown>> = {
  'is answered': (url) => post(`${url}/events`, padded(90_000)),
  'is no JSON': (url) => post(`${url}/events`, 'x'.repeat(90_000)),
  'is no UTF-8': (url) =>
    get(`${url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(90_000, 0xff)
    }),
  'is no event': (url) => post(`${url}/events`, `{"event_type":"${'x'.repeat(90_000)}"}`),
  'is too large': async (url) => {
    const chunked = await connectTo(url)
    const chunk = `${(60_000).toString(16)}\r\n${' '.repeat(60_000)}\r\n`
    chunked
      .resume()
      .write(
        `POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`
      )
    await once(chunked, 'close')
  },
  'is shorter than it says': async (url) => {
    const { socket } = await halfSent(url)
    socket.end()
    await once(socket, 'close')
  },
  'is for an endpoint that there is not': (url) => post(`${url}/nowhere`, padded(90_000)),
  'is read by its endpoint': (url) => post(`${url}/groups/g/pull`, '{}'.padEnd(90_000, ' ')),
  'is left by its client half way': async (url) => {
    const { socket } = await halfSent(url)
    await waitFor(async () => (await bytesInFlight(url)) > 0)
    socket.destroy()
  },
  'does not come in time': async (url) => {
    const { socket } = await halfSent(url)
    await once(socket, 'close')
  }
}

test.each(Object.entries(ENDINGS))('a body that %s is given back, and once', async (_what, ending) => {
  const { url } = await serviceOver('sqlite', {
    EVENT_MAX_BODY_BYTES: '100000',
    EVENT_HEADERS_TIMEOUT_MS: '1000',
    EVENT_REQUEST_TIMEOUT_MS: '1000'
  })

  for (let i = 0; i < 2; i++) {
    await ending(url)
    await waitFor(async () => (await bytesInFlight(url)) === 0)
  }
})

test('a pull that waits does not hold its body', async () => {
  const { url } = await serviceOver()
  const waiting = post(`${url}/groups/g/pull`, JSON.stringify({ wait_ms: 20_000 }).padEnd(90_000, ' '))
  await waitFor(async () => (await get(`${url}/groups`)).body.groups.length === 1)

  expect(await bytesInFlight(url)).toBe(0)

  await post(`${url}/events`, signal())
  expect((await waiting).body.count).toBe(1)
})

/** A stream of HTTP/2 on which a test sends a body as it likes. */
function publishing(url: string, contentType = 'application/json', path = '/events') {
  const session = connect(url, { ca: house.ca })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': contentType })
  stream.on('error', () => {})
  return {
    session,
    stream,
    answer: once(stream, 'response') as Promise<[IncomingHttpHeaders & { ':status'?: number }]>
  }
}

test('a body by HTTP/2 that trickles is answered with 408 when its time is over, and its stream ends', async () => {
  const { url } = await secureService(house.server, {
    EVENT_HEADERS_TIMEOUT_MS: '1000',
    EVENT_REQUEST_TIMEOUT_MS: '1500'
  })
  const { stream, answer } = publishing(url)
  const dripping = setInterval(() => stream.writable && stream.write(' '), 100)
  onTestFinished(() => clearInterval(dripping))
  const startedAt = performance.now()

  const [{ ':status': status }] = await answer

  expect(performance.now() - startedAt).toBeGreaterThan(1_400)
  expect(status).toBe(408)
  expect(JSON.parse(await text(stream))).toMatchObject({
    status: 408,
    detail: expect.stringMatching(/EVENT_REQUEST_TIMEOUT_MS/)
  })
  await waitFor(() => stream.closed)
})

test('a body by HTTP/2 for which nobody waits ends its stream when its time is over', async () => {
  const { url } = await secureService(house.server, {
    EVENT_HEADERS_TIMEOUT_MS: '1000',
    EVENT_REQUEST_TIMEOUT_MS: '1000'
  })
  const session = connect(url, { ca: house.ca })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  const lasting = session.request({ ':method': 'GET', ':path': '/events/stream' }, { endStream: false })
  lasting.on('error', () => {}).resume()
  const whole = session.request({ ':method': 'GET', ':path': '/events/stream' })
  whole.on('error', () => {}).resume()

  await waitFor(() => lasting.closed)

  expect(whole.closed, 'an answer that lasts is no late request').toBe(false)
})

test('lines by HTTP/2 that are cut off at the end of a line are not published', async () => {
  const { url } = await secureService(house.server)
  const own = { port: Number(new URL(url).port), host: '127.0.0.1', ca: house.ca, ALPNProtocols: ['h2'] }
  const socket = connectSecurely(own)
  onTestFinished(() => void socket.destroy())
  const head = headerBlock([
    [':method', 'POST'],
    [':path', '/events/batch'],
    [':scheme', 'https'],
    [':authority', 'a'],
    ['content-type', 'application/x-ndjson']
  ])
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS), frame(HEADERS, END_HEADERS, 1, head)]))
  socket.write(frame(DATA, 0, 1, Buffer.from(`${JSON.stringify(signal())}\n`)))
  socket.write(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])))
  // The answer to a ping stands behind what came before it.
  socket.write(frame(PING, 0, 0, Buffer.from('whatever')))
  await waitFor(() => {
    const bytes: Buffer | null = socket.read()
    return bytes?.includes('whatever')
  })

  expect((await ask(`${url}/events/stats`, { ca: house.ca })).body).toMatchObject({ stream_length: 0 })
})

test('more requests at once than a connection of HTTP/2 may have are refused, and the connection goes on', async () => {
  const { url } = await secureService(house.server)
  const session = connect(url, { ca: house.ca, peerMaxConcurrentStreams: 1_000 })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  const codes = new Map<number, number>()
  // Sent before the client has heard what the service allows.
  for (let i = 0; i < 150; i++) {
    const stream = session.request({ ':method': 'POST', ':path': '/events', 'content-type': 'application/json' })
    stream.on('error', () => {}).once('close', () => codes.set(stream.rstCode, (codes.get(stream.rstCode) ?? 0) + 1))
    stream.write('{')
  }

  await waitFor(() => codes.get(7) === 50, { what: 'REFUSED_STREAM for what is more than 100' })

  expect(session.destroyed).toBe(false)
})

test('a client of HTTP/2 that takes back one request after another is disconnected', async () => {
  const { url } = await secureService(house.server)
  const session = connect(url, { ca: house.ca })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  await once(session, 'connect')
  let asked = 0

  while (!session.destroyed && !session.closed && asked < 1_000) {
    const stream = session.request({ ':path': '/events' })
    stream.on('error', () => {})
    await new Promise((resolve) => setImmediate(resolve))
    stream.close(8)
    asked++
  }

  expect(asked).toBeLessThan(900)
})

test.each([
  ['EVENT_MAX_BODY_BYTES_IN_FLIGHT', { EVENT_MAX_BODY_BYTES_IN_FLIGHT: '1000' }],
  ['EVENT_MAX_BODY_BYTES_IN_FLIGHT_PER_PRINCIPAL', { EVENT_MAX_BODY_BYTES_IN_FLIGHT_PER_PRINCIPAL: '1000' }]
])('%s below the size of one body is refused at the start', async (variable, environment) => {
  await expect(serviceOver('sqlite', environment)).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringContaining(`${variable} must be a whole number of at least 1048576`)
  })
})

test('a body may be larger than what is in flight by default', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_BODY_BYTES: String(80 * 1_048_576) })
  expect(answersIn((await halfSent(url, 10)).answer())).toEqual([])
})
