import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerResponse, connect as openSession } from 'node:http2'
import { type AddressInfo, connect as connectPlainly, type Server, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { setDeadlines } from '../../src/http/deadlines.ts'
import { http2Client } from '../tls/support/http2-client.ts'
import { CONTINUATION, frame, HEADERS, headerBlock, PING, PREFACE, SETTINGS } from '../tls/support/http2-frames.ts'
import { ask, ofHouse, secureService } from '../tls/support/secure-service.ts'

const house = ofHouse()
const SHORT = { EVENT_HEADERS_TIMEOUT_MS: '1000', EVENT_REQUEST_TIMEOUT_MS: '2000' }
/** A deadline of 1 s, 2 s in which an end is still polite, and time of a busy machine. */
const PATIENCE = { timeoutMs: 10_000, what: 'the end of the connection' }

/** What a client does on a connection, again and again, until it is closed. */
interface Staller {
  /** Undefined: no TLS. */
  readonly protocol: 'h2' | 'http/1.1' | undefined
  readonly first: Uint8Array | string
  readonly goesOn: Uint8Array | string
}

const clientHello = Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3]), Buffer.alloc(20)])
const head = headerBlock([
  [':method', 'POST'],
  [':path', '/events']
])

const STALLERS: Record<string, Staller> = {
  'says nothing before TLS': { protocol: undefined, first: '', goesOn: '' },
  'sends half a ClientHello': { protocol: undefined, first: clientHello, goesOn: '' },
  'sends a ClientHello byte by byte': { protocol: undefined, first: clientHello, goesOn: 'x' },
  'says nothing behind the handshake, of HTTP/1.1': { protocol: 'http/1.1', first: '', goesOn: '' },
  'sends a head of HTTP/1.1 byte by byte': { protocol: 'http/1.1', first: 'GET / HTTP/1.1\r\nHost: ', goesOn: 'a' },
  'says nothing behind the handshake, of HTTP/2': { protocol: 'h2', first: '', goesOn: '' },
  'asks for nothing by HTTP/2': { protocol: 'h2', first: PREFACE, goesOn: '' },
  'only pings by HTTP/2': {
    protocol: 'h2',
    first: Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS)]),
    goesOn: frame(PING, 0, 0, Buffer.alloc(8))
  },
  'only sends settings by HTTP/2': {
    protocol: 'h2',
    first: Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS)]),
    goesOn: frame(SETTINGS)
  },
  'sends a head of HTTP/2 that has no end': {
    protocol: 'h2',
    first: Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS), frame(HEADERS, 0, 1, head)]),
    goesOn: ''
  },
  'sends a head of HTTP/2 that goes on and on': {
    protocol: 'h2',
    first: Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS), frame(HEADERS, 0, 1, head)]),
    goesOn: frame(CONTINUATION, 0, 1)
  }
}

async function opened(port: number, protocol: Staller['protocol']): Promise<Socket> {
  const own = { port, host: '127.0.0.1', allowHalfOpen: true }
  const socket =
    protocol === undefined ? connectPlainly(own) : connect({ ...own, ca: house.ca, ALPNProtocols: [protocol] })
  socket.on('error', () => {}).resume()
  onTestFinished(() => void socket.destroy())
  await once(socket, protocol === undefined ? 'connect' : 'secureConnect')
  return socket
}

/** Resolves to how long the connection lasted, in ms. */
async function stallOn(port: number, { protocol, first, goesOn }: Staller): Promise<number> {
  const socket = await opened(port, protocol)
  const startedAt = performance.now()
  socket.write(first)
  const dripping = setInterval(() => socket.writable && socket.write(goesOn), 300)
  onTestFinished(() => clearInterval(dripping))
  await waitFor(() => socket.readableEnded || socket.closed, PATIENCE)
  return performance.now() - startedAt
}

test('a connection without a complete head is closed when its time is over, in whatever protocol it stalls', async () => {
  const { url } = await secureService(house.server, SHORT)
  const port = Number(new URL(url).port)

  const lasted = await Promise.all(
    Object.entries(STALLERS).map(async ([what, staller]) => ({
      what,
      lastedMs: await stallOn(port, staller).catch(() => Number.POSITIVE_INFINITY)
    }))
  )

  // Nobody who is slow is cut off before.
  expect(lasted.filter(({ lastedMs }) => lastedMs < 900 || lastedMs === Number.POSITIVE_INFINITY)).toEqual([])
  expect(await ask(`${url}/health`, { ca: house.ca })).toMatchObject({ status: 200 })
})

test('a request that comes in time keeps its connection beyond the time for a head, by either protocol', async () => {
  const { url } = await secureService(house.server, SHORT)
  const client = http2Client(url, { ca: house.ca })
  const stream = await client.open('/events/stream')
  const pull = ask(`${url}/groups/g/pull`, { ca: house.ca, method: 'POST' }, { wait_ms: 4_500 })

  expect(await pull).toMatchObject({ status: 200, body: { count: 0 } })

  expect(client.session.destroyed).toBe(false)
  expect(await client.ask('GET', '/health')).toMatchObject({ status: 200 })
  expect(stream.text()).toContain('event: position')
})

/** A server of one protocol whose deadlines are short, and that answers `path` with what `answer` writes. */
async function serverOf(
  kind: 'plain' | 'tls',
  answer: (path: string, response: ServerResponse | Http2ServerResponse) => void
) {
  const { certFile, keyFile } = house.server
  const server =
    kind === 'plain'
      ? createServer((request, response) => answer(request.url ?? '', response))
      : createSecureServer(
          { cert: readFileSync(certFile), key: readFileSync(keyFile), allowHTTP1: true },
          (request, response) => answer(request.url ?? '', response)
        )
  setDeadlines(server as never, { headersTimeoutMs: 5_000, requestTimeoutMs: 500, keepAliveMs: 500, unreadMs: 500 })
  const sockets = new Set<Socket>()
  ;(server as Server).on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, open: sockets }
}

const PROTOCOLS = [
  ['HTTP/1.1', 'plain', undefined],
  ['HTTP/1.1 over TLS', 'tls', 'http/1.1']
] as const

test.each(PROTOCOLS)(
  'an answer that nobody takes ends its connection, and one that lasts and is quiet does not: %s',
  async (_name, kind, protocol) => {
    const { port, open } = await serverOf(kind, (path, response) => {
      if (path === '/large') response.end(Buffer.alloc(64 * 1_048_576))
      else setTimeout(() => response.end('late'), 1_500)
    })
    const socket = await opened(port, protocol)
    socket.pause()
    socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
    const quiet = await opened(port, protocol)
    let text = ''
    quiet.on('data', (bytes) => {
      text += bytes
    })
    quiet.write('GET /late HTTP/1.1\r\nHost: a\r\n\r\n')

    await waitFor(() => text.endsWith('late'), PATIENCE)
    await waitFor(() => open.size === 0, PATIENCE)
  }
)

test('an answer that nobody takes ends its stream by HTTP/2, and one that lasts and is quiet does not', async () => {
  const { port } = await serverOf('tls', (path, response) => {
    if (path === '/large') response.end(Buffer.alloc(1_048_576))
    else setTimeout(() => response.end('late'), 1_500)
  })
  const session = openSession(`https://127.0.0.1:${port}`, { ca: house.ca })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  const large = session.request({ ':path': '/large' })
  large.on('error', () => {}).pause()
  const quiet = session.request({ ':path': '/late' })
  let text = ''
  quiet.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })

  await waitFor(() => large.rstCode === 8, { ...PATIENCE, what: 'CANCEL' })
  await waitFor(() => text === 'late', PATIENCE)
})

test.each([
  ['HTTP/1.1', 'plain', undefined, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HTTP/1.1 over TLS', 'tls', 'http/1.1', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  [
    'HTTP/2',
    'tls',
    'h2',
    Buffer.concat([
      Buffer.from(PREFACE),
      frame(SETTINGS),
      frame(
        HEADERS,
        5,
        1,
        headerBlock([
          [':method', 'GET'],
          [':path', '/'],
          [':scheme', 'https'],
          [':authority', 'a']
        ])
      )
    ])
  ]
] as const)(
  'behind its last answer a connection is closed when no request comes in time: %s',
  async (_name, kind, protocol, request) => {
    let answers = 0
    const { port, open } = await serverOf(kind, (_path, response) => {
      answers++
      response.end('x')
    })
    const socket = await opened(port, protocol)
    socket.write(request)
    await waitFor(() => answers === 1)
    const pinging = setInterval(
      () => protocol === 'h2' && socket.writable && socket.write(frame(PING, 0, 0, Buffer.alloc(8))),
      50
    )
    onTestFinished(() => clearInterval(pinging))

    await waitFor(() => open.size === 0, PATIENCE)
  }
)
