import { EventSystemError } from '@tradpal/event-system'
import type { FastifyInstance } from 'fastify'
import { isHttp2 } from '../tls/index.ts'

/**
 * Refuses a request with two Host headers (RFC 9112, 3.2), of which a proxy and this service could use different ones. By
 * HTTP/2 a Host header must equal `:authority` (RFC 9113, 8.3.1).
 */
export function requireOneHost(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const [first, ...others] = hostsIn(request.raw.rawHeaders)
    const isOne = isHttp2(request.raw) ? others.every((host) => host === first) : others.length === 0
    if (isOne) return done()
    const sentence = isHttp2(request.raw)
      ? `The header host must be the same as :authority, got ${shown([first, ...others])}.`
      : `A request has one Host header, got ${shown([first, ...others])}.`
    done(new EventSystemError('invalid_argument', sentence))
  })
}

function hostsIn(rawHeaders: readonly string[]): string[] {
  const hosts: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    // Few common headers have names of these lengths.
    if (name.length !== 4 && name.length !== 10) continue
    const lower = name.toLowerCase()
    if (lower === 'host' || lower === ':authority') hosts.push((rawHeaders[i + 1] as string).toLowerCase())
  }
  return hosts
}

function shown(hosts: readonly (string | undefined)[]): string {
  return hosts.map((host) => JSON.stringify(host)).join(' and ')
}
