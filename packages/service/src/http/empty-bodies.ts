import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isHttp2 } from '../tls/index.ts'

/**
 * A request without a body may name any content type, as HTTP libraries do that always name one: the type is the type of nothing.
 * Fastify would refuse one that is not well formed. An empty type is none.
 */
export function ignoreTypesOfEmptyBodies(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw
    const type = headers['content-type']
    if (type === '' || (type !== undefined && hasNoBody(request))) delete headers['content-type']
    done()
  })
}

/** By HTTP/1.1 the head says whether a body follows (RFC 9112, 6.3); by HTTP/2 it may also end the request. */
function hasNoBody({ raw }: FastifyRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers
  if (isHttp2(raw)) return length === '0' || raw.stream.endAfterHeaders
  return encoding === undefined && (length === undefined || length === '0')
}
