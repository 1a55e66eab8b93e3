import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Type, { type TSchema } from 'typebox'
import type { App, AppContext } from './context.ts'
import { type AccessRule, scopeText } from './guard.ts'
import { securePages } from './headers.ts'
import { nameSchemas } from './named-schemas.ts'
import { problemResponses } from './problems.ts'

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

const DESCRIPTION_SCHEMA = Type.Object({}, { additionalProperties: true, description: 'An OpenAPI document.' })

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a token.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key.' }
} as const

/** Who may call an endpoint, for who reads the description: the scope stands in `x-scope`. */
function securityOf(access: AccessRule) {
  if (access === 'anybody') return { security: [] }
  const security = Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] }))
  return { security, ...(access === 'the known' ? {} : { 'x-scope': scopeText(access) }) }
}

interface QuerySchema {
  readonly required?: readonly string[]
  readonly properties: Readonly<Record<string, { readonly default?: unknown }>>
}

/** A query as it is sent: a parameter that has a default may be left out. Checked, it is always there. */
function withDefaults(query: QuerySchema): QuerySchema {
  const required = (query.required ?? []).filter((name) => query.properties[name]?.default === undefined)
  return { ...query, required }
}

/** The API's description at /openapi.json, and a page to read and try it at /docs. Comes before the routes that it describes. */
export async function describeApi(app: App, { version }: AppContext): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      // Relative to the description: it holds behind a proxy that serves the service under a path of its own.
      servers: [{ url: './', description: 'The service that has this description.' }],
      info: { title: 'TradPal Event Service', version, description: DESCRIPTION },
      components: { securitySchemes: SECURITY_SCHEMES },
      tags: ['publish', 'query', 'stream', 'consume', 'dead letters', 'keys', 'audit', 'monitor'].map((name) => ({
        name
      }))
    },
    stripBasePath: false,
    transformObject: (document) => ('openapiObject' in document ? nameSchemas(document.openapiObject) : {}),
    transform: ({ schema, url, route }) => {
      const { body, takes = ['application/json'], access } = route.config ?? {}
      const described = {
        ...schema,
        ...(access === undefined ? {} : securityOf(access)),
        ...(schema.querystring === undefined ? {} : { querystring: withDefaults(schema.querystring as QuerySchema) })
      }
      return { schema: body === undefined ? described : { ...described, body, consumes: [...takes] }, url }
    }
  })
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { access: 'the known', audit: 'nothing', ...route.config }
    })
    await securePages(pages)
    // Behind a proxy that serves the service under a path of its own, only addresses that are relative to the page lead here.
    pages.addHook('onRequest', (request, reply, done) => {
      const [path, query] = request.url.split('?')
      if (path?.endsWith('/docs')) reply.redirect(`docs/${query === undefined ? '' : `?${query}`}`)
      else done()
    })
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      transformSpecification: (specification) => ({ ...specification, servers: [{ url: '../' }] })
    })
  })
  app.get(
    '/openapi.json',
    {
      config: { access: 'the known', audit: 'nothing' },
      schema: {
        operationId: 'getDescription',
        tags: ['monitor'],
        summary: 'This description',
        response: {
          200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: DESCRIPTION_SCHEMA } } },
          ...problemResponses
        }
      },
      serializerCompiler: () => JSON.stringify
    },
    async () => app.swagger()
  )
}
