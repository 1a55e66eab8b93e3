import type { FastifyInstance } from 'fastify'
import type { PagesConfiguration } from './page-rules.ts'

/** A browser asks again whether a page may send a request after this time, in s. */
const PREFLIGHT_SECONDS = 600

/**
 * Lets browsers give the answers of the service to pages of the allowed origins (CORS). Comes before the guard: a browser asks
 * first and without credentials, and a page of an allowed origin reads what the guard refuses.
 */
export async function answerAllowedOrigins(
  app: FastifyInstance,
  { allowedOrigins }: PagesConfiguration
): Promise<void> {
  if (allowedOrigins.length === 0) return
  // Only a service that allows origins needs what answers them.
  await app.register((await import('@fastify/cors')).default, {
    origin: async (origin?: string) => (origin !== undefined && allowedOrigins.includes(origin) ? origin : false),
    // A page shows the client certificate of its browser then.
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
    maxAge: PREFLIGHT_SECONDS
  })
}
