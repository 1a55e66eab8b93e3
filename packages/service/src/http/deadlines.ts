import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { constants, type Http2ServerRequest, type Http2ServerResponse, type Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { connectionOf, isHttp2 } from '../tls/index.ts'

/** A connection without a request is kept longer than proxies keep theirs, which is mostly 60 s: a proxy would send a request on a connection that is just being closed. */
export const KEEP_ALIVE_MS = 72_000
/** The time that a graceful end of a connection may take. Then the connection is destroyed. */
const LINGER_MS = 2_000
/** The time for which a client may read nothing of an answer. A client of a replay may work for a while between two reads. */
const UNREAD_MS = 120_000
/** The interval between two looks for answers that no client reads. */
const LOOK_MS = 10_000

export interface Deadlines {
  /** From the accept of a connection to the first complete head of a request, the TLS handshake included. */
  readonly headersTimeoutMs: number
  /** From the head of a request to the end of its body. */
  readonly requestTimeoutMs: number
  /** From the end of the last answer to the head of the next request. Default {@link KEEP_ALIVE_MS}. */
  readonly keepAliveMs?: number
  /** The time for which a client may read nothing of an answer. Default {@link UNREAD_MS}. */
  readonly unreadMs?: number
}

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

/** One accepted connection. */
interface Connection {
  /** The socket that was accepted. By TLS it lies below the encrypted one; to destroy it ends the connection in every protocol. */
  readonly socket: Socket
  /** Requests whose heads have come and whose answers are not over. */
  requests: number
  session: Http2Session | undefined
  /** The socket of HTTP/1.1 that answers are written to, from the first request on. */
  answering: Socket | undefined
  /** Runs until the first head has come, and then from the end of the last answer. */
  timer: NodeJS.Timeout
  readonly onAnswered: () => void
}

/**
 * Gives every connection of a server its deadlines, for HTTP/1.1 and HTTP/2, with TLS and without. A connection without a
 * request in progress is destroyed when no complete head comes in time. A body that does not end in time, and an answer
 * that its client does not read, end their connection or, by HTTP/2, their stream. An answer that lasts has no deadline
 * while its client reads it.
 *
 * Node itself answers a late request of HTTP/1.1 with 408 (`headersTimeout`, `requestTimeout`). The deadlines here are later,
 * for connections on which no answer can be sent.
 */
export function setDeadlines(server: Server, deadlines: Deadlines): void {
  const { headersTimeoutMs, requestTimeoutMs, keepAliveMs = KEEP_ALIVE_MS, unreadMs = UNREAD_MS } = deadlines
  const connections = new Connections(headersTimeoutMs + LINGER_MS, keepAliveMs)
  const looking = setInterval(() => connections.watchUnread(unreadMs), Math.min(LOOK_MS, unreadMs)).unref()
  server.on('close', () => clearInterval(looking))
  server.on('connection', (socket: Socket) => connections.add(socket))
  server.on('request', (request: Request, response: Response) => {
    connections.begin(request, response)
    if (!isHttp2(request)) return
    boundBody(request, requestTimeoutMs + LINGER_MS)
    boundUnread(request, unreadMs)
  })
  // Emitted when nothing moved on a socket of HTTP/1.1 for the time that was set on it. A waiting pull is quiet too, and goes on.
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy()
  })
}

/** Ends a socket after its pending writes, and destroys it when they take too long. */
export function endSoon(socket: Socket): void {
  socket.destroySoon()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(timer))
}

class Connections {
  readonly #headMs: number
  readonly #keepAliveMs: number
  /** By address and port of both ends, which the accepted socket and the TLS socket on top of it share. */
  readonly #byEnds = new Map<string, Connection>()
  /** By the socket or session of requests. */
  readonly #known = new WeakMap<object, Connection>()

  constructor(headMs: number, keepAliveMs: number) {
    this.#headMs = headMs
    this.#keepAliveMs = keepAliveMs
  }

  add(socket: Socket): void {
    const connection: Connection = {
      socket,
      requests: 0,
      session: undefined,
      answering: undefined,
      timer: setTimeout(() => socket.destroy(), this.#headMs).unref(),
      onAnswered: () => {
        if (--connection.requests === 0) connection.timer.refresh()
      }
    }
    const ends = endsOf(socket)
    this.#byEnds.set(ends, connection)
    socket.once('close', () => {
      clearTimeout(connection.timer)
      if (this.#byEnds.get(ends) === connection) this.#byEnds.delete(ends)
    })
  }

  begin(request: Request, response: Response): void {
    const connection = this.#connectionOf(request)
    if (connection === undefined) return
    connection.requests++
    response.on('close', connection.onAnswered)
  }

  /** Sets a timeout on sockets of HTTP/1.1 with unread answers. Node suspends it while the client reads. */
  watchUnread(timeoutMs: number): void {
    for (const { answering, requests } of this.#byEnds.values()) {
      if (answering === undefined || requests === 0 || answering.writableLength === 0) continue
      if (answering.timeout !== timeoutMs) answering.setTimeout(timeoutMs)
    }
  }

  /** Undefined when the client is gone already: then the accepted socket closes by itself. */
  #connectionOf(request: Request): Connection | undefined {
    const askedOn = connectionOf(request)
    const known = this.#known.get(askedOn)
    if (known !== undefined) return known
    const connection = this.#byEnds.get(endsOf(request.socket))
    if (connection === undefined) return undefined
    this.#known.set(askedOn, connection)
    if (isHttp2(request)) connection.session = request.stream.session
    else connection.answering = request.socket
    clearTimeout(connection.timer)
    if (!connection.socket.destroyed)
      connection.timer = setTimeout(() => this.#endIdle(connection), this.#keepAliveMs).unref()
    return connection
  }

  /** A request that arrives meanwhile is still answered. By HTTP/2 the client learns that it must open another connection. */
  #endIdle(connection: Connection): void {
    const endUnlessAsked = () => {
      if (connection.requests === 0) connection.socket.destroy()
    }
    if (connection.requests > 0) return
    connection.session?.close()
    setTimeout(endUnlessAsked, LINGER_MS).unref()
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** Of a request that comes by HTTP/2: by HTTP/1.1 Node does it. */
function boundBody({ stream }: Http2ServerRequest, timeoutMs: number): void {
  if (stream.endAfterHeaders) return
  const endUnless = (code: number) => {
    if (!stream.destroyed && stream.state.remoteClose === 0) stream.close(code)
  }
  const timer = setTimeout(endUnless, timeoutMs, constants.NGHTTP2_CANCEL).unref()
  stream.once('close', () => clearTimeout(timer))
  // A client that has its answer need not send the rest (RFC 9113, 8.1).
  stream.once('finish', () => setImmediate(endUnless, constants.NGHTTP2_NO_ERROR))
}

function boundUnread({ stream }: Http2ServerRequest, timeoutMs: number): void {
  stream.setTimeout(timeoutMs)
  stream.on('timeout', () => {
    if (stream.writableLength === 0 && stream.writableEnded === stream.writableFinished) return
    stream.close(constants.NGHTTP2_CANCEL)
    stream.destroy()
  })
}
