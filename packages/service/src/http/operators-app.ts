import { createServer, type RequestListener, type Server } from 'node:http'
import ajvCompiler, { type BuildCompilerFromPool } from '@fastify/ajv-compiler'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Documents, type EventSystem, EventSystemError, silentLogger, systemClock } from '@tradpal/event-system'
import { ApiKeys, Policy, type Principal, SHARE_NAMES, type ShareName } from '@tradpal/event-system/access'
import { stringifyJson } from '@tradpal/events'
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { readServiceConfiguration } from '../configuration.ts'
import { type Share, Shares } from '../limits/index.ts'
import { ownVersion } from '../own-version.ts'
import { countRequests, recordActions } from './auditing.ts'
import type { App } from './context.ts'
import { ignoreTypesOfEmptyBodies } from './empty-bodies.ts'
import { LastingAnswers } from './lasting-answers.ts'
import type { OperatorsAudit } from './operators-audit.ts'
import { answerProblems } from './problems.ts'
import { RequestBodies } from './request-bodies.ts'
import { AJV_OPTIONS, addRooms } from './rooms.ts'

export interface OperatorsAppOptions {
  /** An initialized event system. The app does not close it. */
  readonly system: EventSystem
  /** The principal of every request: `operator(user)`. */
  readonly operator: Principal
  /** The app does not close it. */
  readonly audit: OperatorsAudit
}

/**
 * The endpoints of an event system for its operator, who has opened the log in this process: every request is theirs, without
 * credentials, limits and deadlines. Only {@link FastifyInstance.inject} reaches them: the app has no server that could listen.
 */
export async function buildOperatorsApp({ system, operator, audit }: OperatorsAppOptions): Promise<App> {
  const configuration = readServiceConfiguration({})
  const shares = new Shares({ limits: BOUNDLESS, onRefused: () => {} })
  const lasting = new LastingAnswers({ shares, onStreams: () => {}, onEnded: () => {} })
  const bodies = new RequestBodies({ shares, requestTimeoutMs: configuration.limits.requestTimeoutMs })
  const app: App = fastify({
    logger: false,
    serverFactory: serverOfThisProcess,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
    ajv: { customOptions: { ...AJV_OPTIONS, validateSchema: false } },
    // Answers go out as the endpoints give them: the client of this process needs no schema to shape them.
    schemaController: {
      compilersFactory: { buildValidator: whenAsked(ajvCompiler()), buildSerializer: () => () => stringifyJson }
    }
  }).withTypeProvider<TypeBoxTypeProvider>()
  answerProblems(app, () => {})
  app.removeAllContentTypeParsers()
  bodies.takeAsText(app, ['application/json'])
  bodies.takeOthersWhereEmpty(app)
  ignoreTypesOfEmptyBodies(app)
  letIn(app, operator)
  recordActions(app, audit)
  countRequests(app, undefined)
  bodies.addTo(app)
  app.addHook('onRoute', liftBounds)
  app.addHook('onRoute', tellFailures)
  app.addHook('preClose', async () => lasting.close())
  await addRooms(app, {
    system,
    access: {
      keys: new ApiKeys(new Documents(system.storage), systemClock),
      scopesOf: (name, scopes) => Policy.none().principalOf({ name, proof: 'api key', scopes }).scopes,
      warnings: []
    },
    audit,
    configuration,
    logger: silentLogger,
    metrics: { handedOut: () => {}, streamsCutOff: { inc: () => {} } },
    lasting,
    bodies,
    limits: { publish: async () => {} },
    version: ownVersion(),
    startedAtMs: performance.now(),
    onProblem: () => {}
  })
  await app.ready()
  return app
}

const LARGEST_HEAD_BYTES = 2 ** 24
const BOUNDLESS = Object.fromEntries(
  SHARE_NAMES.map((name) => [name, { inAll: Number.POSITIVE_INFINITY, ofEach: Number.POSITIVE_INFINITY }])
) as Readonly<Record<ShareName, Share>>

function serverOfThisProcess(onRequest: RequestListener): Server {
  const server = createServer({ maxHeaderSize: LARGEST_HEAD_BYTES }, onRequest)
  server.listen = () => {
    throw new EventSystemError('unsupported', 'The app of an operator is for its own process: it does not listen.')
  }
  return server
}

/** Compiles the schemas of an endpoint when it is asked first: a command asks for few. */
function whenAsked(build: BuildCompilerFromPool): BuildCompilerFromPool {
  return (schemas, options) => {
    const compile = build(schemas, options)
    return (definition) => {
      let validate: ReturnType<typeof compile> | undefined
      const compiled = (value: unknown) => {
        validate ??= compile(definition)
        return validate(value) ? true : { error: validate.errors }
      }
      return compiled as unknown as ReturnType<typeof compile>
    }
  }
}

function letIn(app: FastifyInstance, operator: Principal): void {
  app.decorateRequest('principal')
  app.decorateRequest('askAgain', async () => operator)
  app.addHook('onRequest', (request, _reply, done) => {
    request.principal = operator
    done()
  })
}

/**
 * Bounds that hold for callers of a service alone: how large a page is, whose memory is the operator's own, and how long a key may
 * live on that is rotated.
 */
const BOUNDS_OF_CALLERS = [
  ['querystring', 'limit'],
  ['body', 'overlap_ms']
] as const

function liftBounds({ schema }: RouteOptions): void {
  for (const [part, name] of BOUNDS_OF_CALLERS) {
    const { properties } = (schema?.[part] ?? {}) as { properties?: Record<string, object> }
    if (schema === undefined || properties?.[name] === undefined) continue
    const { maximum: _, ...boundless } = properties[name] as { maximum?: number }
    schema[part] = { ...(schema[part] as object), properties: { ...properties, [name]: boundless } }
  }
}

/** A service tells a caller nothing of an error that is none of its own: its log has it. An operator has no other log to look into. */
function tellFailures(route: RouteOptions): void {
  const { handler } = route
  route.handler = async function (request, reply) {
    try {
      return await handler.call(this, request, reply)
    } catch (cause) {
      if (cause instanceof EventSystemError) throw cause
      throw new EventSystemError('log_failed', cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }
}
