import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TSchema } from 'typebox'
import type { App, AppContext } from './context.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the body looks like, for the API's description: the library checks it, from its text, with better sentences. */
    body?: TSchema
    /** The content types that the body may have. Default: application/json. */
    takes?: readonly string[]
  }
}

const DESCRIPTION = `Publish, query, replay and follow the events of the trading platform. Every error is a problem document
(RFC 9457, \`application/problem+json\`) with a \`code\` to switch on and a \`detail\` that says what is wrong and where.`

/** The API's description at /openapi.json, and a page to read and try it at /docs. Comes before the routes that it describes. */
export async function describeApi(app: App, { version }: AppContext): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'TradPal Event Service', version, description: DESCRIPTION },
      tags: ['publish', 'query', 'stream', 'consume', 'dead letters', 'keys', 'audit', 'monitor'].map((name) => ({
        name
      }))
    },
    transform: ({ schema, url, route }) => {
      const { body, takes = ['application/json'] } = route.config ?? {}
      return { schema: body === undefined ? schema : { ...schema, body, consumes: [...takes] }, url }
    }
  })
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { access: 'the known', audit: 'nothing', ...route.config }
    })
    await pages.register(swaggerUi, { routePrefix: '/docs' })
  })
  app.get(
    '/openapi.json',
    { config: { access: 'the known', audit: 'nothing' }, schema: { tags: ['monitor'], summary: 'This description' } },
    async () => app.swagger()
  )
}
