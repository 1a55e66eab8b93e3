import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply } from 'fastify'

/**
 * What tells a browser to make nothing of an answer but what it is: no page, no frame, no script, no guess at its type, for no
 * other site. Of what helmet sets these are what counts for an API; all of helmet's would cost each answer as much as its check.
 */
const SAFE_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
}

/** For answers that programs read. */
export function secureAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(SAFE_HEADERS)
    done()
  })
}

/** Sends the head of an answer that is written piece by piece, with the headers that hooks have set. The rest is the caller's to write. */
export function beginAnswer(reply: FastifyReply, headers: OutgoingHttpHeaders): ServerResponse {
  reply.hijack()
  return reply.raw.writeHead(200, { ...(reply.getHeaders() as OutgoingHttpHeaders), ...headers })
}

/** For pages that people read: all of helmet's headers, but for a policy of contents, which each page has of its own. */
export async function securePages(pages: FastifyInstance): Promise<void> {
  await pages.register(helmet, { contentSecurityPolicy: false })
}
