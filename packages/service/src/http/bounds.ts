import type { Server, ServerOptions } from 'node:http'
import type { SecureServerOptions } from 'node:http2'
import type { Socket } from 'node:net'
import { counted, EventSystemError } from '@tradpal/event-system'
import type { FastifyInstance } from 'fastify'
import { networkOf } from '../access/index.ts'
import type { LimitsConfiguration } from '../limits/index.ts'
import { KEEP_ALIVE_MS } from './deadlines.ts'
import type { Metrics } from './metrics.ts'
import { HttpRefusal, refuseOverSocket } from './problems.ts'

/** The request line and the headers of a request together, in bytes. Node answers what is larger with 431. */
const MAX_HEAD_BYTES = 16_384
/** Node drops further headers in silence: it is given more room than requests are. */
const MAX_HEADERS = 100
/** Longer URLs are cut off by some proxy on the way anyhow. */
const MAX_URL_LENGTH = 8_192
/** How often it is looked for connections that are late, in ms: they are gone so soon after their time. */
const LOOK_EVERY_MS = 1_000
/** HTTP/2: concurrent requests on one connection. A client with more opens another connection. */
const MAX_STREAMS = 100
/** HTTP/2: requests that a client may reset at once, and then in each second. A client that resets more is disconnected. */
const RESET_BURST = 200
const RESETS_PER_SECOND = 33

/**
 * What Fastify makes its server of. A client that sends its request byte by byte, or none, is let go in a time in which every
 * other sends a whole one: each connection costs a file descriptor and some memory, of which there are only so many.
 */
export function serverOptions({ headersTimeoutMs, requestTimeoutMs }: LimitsConfiguration) {
  const http: ServerOptions = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, headersTimeoutMs)
  }
  return { http, requestTimeout: requestTimeoutMs, keepAliveTimeout: KEEP_ALIVE_MS }
}

/** Options of a server that speaks HTTP/2, beside {@link serverOptions}. Node enforces them also before a client has confirmed the settings. */
export function http2Options({ headersTimeoutMs }: LimitsConfiguration): SecureServerOptions {
  return {
    handshakeTimeout: headersTimeoutMs,
    settings: { maxConcurrentStreams: MAX_STREAMS },
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND
  }
}

/** Refuses what is too large before anything is done for it. */
export function boundRequests(app: FastifyInstance): void {
  app.server.maxHeadersCount = MAX_HEADERS + 1
  app.addHook('onRequest', (request, _reply, done) => {
    const { url = '', rawHeaders } = request.raw
    // The router would take `*` for the root. Servers must take whole URLs too (RFC 9112, 3.2.2).
    if (!url.startsWith('/') && !/^https?:\/\//i.test(url)) {
      const sentence = `A request asks for a path that begins with /, got ${JSON.stringify(url)}.`
      return done(new EventSystemError('invalid_argument', sentence))
    }
    if (url.length > MAX_URL_LENGTH) {
      const sentence = `The URL has ${url.length} characters, more than ${MAX_URL_LENGTH}.`
      return done(new HttpRefusal(414, new EventSystemError('invalid_argument', sentence)))
    }
    if (rawHeaders.length > MAX_HEADERS * 2) {
      const sentence = `The request has more than ${MAX_HEADERS} headers.`
      return done(new HttpRefusal(431, new EventSystemError('invalid_argument', sentence)))
    }
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      const sentence = `A body is taken as it is, not compressed as ${encoding}: what it unpacks to nobody knows before.`
      return done(new EventSystemError('unsupported_media_type', sentence))
    }
    done()
  })
}

/**
 * Bounds the connections. When there are too many in all, further ones are closed unanswered, since there may be no file
 * descriptor to answer with; when an address has too many, it is told.
 */
export function boundConnections(
  server: Server,
  { maxConnections, maxConnectionsPerAddress }: LimitsConfiguration,
  metrics: Metrics
): void {
  server.maxConnections = maxConnections
  server.on('drop', () => metrics.rateLimited.inc({ limit: 'connections' }))
  if (maxConnectionsPerAddress === Number.POSITIVE_INFINITY) return
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? '')
    const count = (counts.get(network) ?? 0) + 1
    counts.set(network, count)
    socket.once('close', () => {
      const left = (counts.get(network) ?? 0) - 1
      if (left === 0) counts.delete(network)
      else counts.set(network, left)
    })
    if (count <= maxConnectionsPerAddress) return
    metrics.rateLimited.inc({ limit: 'connections_per_address' })
    const sentence = `Your address (${network}) has ${counted(maxConnectionsPerAddress, 'connection')}, as many as it may (EVENT_MAX_CONNECTIONS_PER_ADDRESS): close one first.`
    refuseOverSocket(socket, 429, new EventSystemError('rate_limited', sentence))
  })
}
