import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest, Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** What a request came on: a socket or, by HTTP/2, a session. */
export type AskedConnection = Socket | Http2Session

/** The connection of a request: the same object for all that come on it. By HTTP/2 each request has a socket of its own, which stands for the one of the session. */
export function connectionOf(request: IncomingMessage | Http2ServerRequest): AskedConnection {
  return isHttp2(request) ? (request.stream.session ?? request.socket) : request.socket
}

export function isHttp2(request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2
}
