import { request, type Server } from 'node:http'
import { duplexPair, Readable } from 'node:stream'

/** A `fetch` that reaches a server of this process over connections in memory: the server listens nowhere. Aborting its signal closes the connection. */
export function fetchInto(server: Server): typeof globalThis.fetch {
  return async (input, { method, headers, body, signal } = {}) => {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const asking = request(String(input), {
      ...(method !== undefined && { method }),
      headers: { ...(headers as Record<string, string>), ...lengthOf(body) },
      ...(signal && { signal }),
      createConnection: () => connectionTo(server)
    })
    asking.on('error', (error) => reject(signal?.aborted ? signal.reason : error))
    asking.on('response', (response) => {
      resolve(
        new Response(Readable.toWeb(response) as ReadableStream, {
          status: response.statusCode ?? 0,
          headers: Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        })
      )
    })
    asking.end(body)
    return promise
  }
}

/** Node says of a body only with some methods how long it is. */
function lengthOf(body: unknown): { 'content-length'?: number } {
  return typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {}
}

function connectionTo(server: Server) {
  const [near, far] = duplexPair()
  server.emit('connection', far)
  return near
}
