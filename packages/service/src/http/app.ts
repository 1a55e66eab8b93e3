import type { Server } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import {
  type Clock,
  type EventSystem,
  type Logger,
  Occurrences,
  onlyOptions,
  silentLogger,
  systemClock
} from '@tradpal/event-system'
import { withoutSecrets } from '@tradpal/event-system/access'
import fastify, { type FastifyHttpOptions } from 'fastify'
import { readServiceConfiguration, type ServiceConfiguration } from '../configuration.ts'
import { Shares } from '../limits/index.ts'
import { ownVersion } from '../own-version.ts'
import type { ServiceTls } from '../tls/index.ts'
import { countRequests, noteEnded, recordActions } from './auditing.ts'
import { boundConnections, boundRequests, http2Options, serverOptions } from './bounds.ts'
import { handleInCohorts } from './cohorts.ts'
import { compilersFactory } from './compilers.ts'
import type { App, AppContext } from './context.ts'
import { answerAllowedOrigins } from './cors.ts'
import { setDeadlines } from './deadlines.ts'
import { ignoreTypesOfEmptyBodies } from './empty-bodies.ts'
import { guard } from './guard.ts'
import { secureAnswers } from './headers.ts'
import { homeRoute } from './home.ts'
import { LastingAnswers } from './lasting-answers.ts'
import { Metrics } from './metrics.ts'
import { metricsRoute } from './metrics-route.ts'
import { requireOneHost } from './one-host.ts'
import { describeApi } from './openapi.ts'
import { answerClientError, answerFrameworkError, answerProblems, type OnProblem } from './problems.ts'
import { openProtection } from './protection.ts'
import { RequestBodies } from './request-bodies.ts'
import { RequestLimits } from './request-limits.ts'
import { AJV_OPTIONS, addRooms } from './rooms.ts'
import { acceptOnSecondAddress } from './second-address.ts'
import { shedLoad } from './shedding.ts'

export interface AppOptions {
  /** An initialized event system. The app does not close it. */
  readonly system: EventSystem
  /** Default: what an empty environment says. */
  readonly configuration?: ServiceConfiguration
  /** Default: silent. */
  readonly logger?: Logger
  /** By which credentials expire. Default: the system's. */
  readonly clock?: Clock
}

/** The HTTP API over an event system, ready to listen or to be injected into. It holds no behaviour that the library lacks. */
export async function buildApp(options: AppOptions): Promise<App> {
  onlyOptions('buildApp()', options, { system: true, configuration: true, logger: true, clock: true })
  const { system, configuration = readServiceConfiguration({}), logger = silentLogger, clock = systemClock } = options
  const metrics = new Metrics(system, configuration, logger)
  const shares = new Shares({
    limits: configuration.limits.shares,
    onRefused: (limit) => metrics.rateLimited.inc({ limit })
  })
  metrics.showBodies(() => shares.inAll('body_bytes'))
  const lasting = new LastingAnswers({
    shares,
    onStreams: (streams) => metrics.setStreams(streams),
    onEnded: noteEnded
  })
  const bodies = new RequestBodies({ shares, requestTimeoutMs: configuration.limits.requestTimeoutMs })
  const onProblem = reportTo(metrics, logger)
  const protection = await openProtection({ system, configuration, metrics, logger, clock })
  const { access, tls, audit } = protection
  for (const warning of access.warnings) logger.warn({ auth: access.mode }, warning)
  const limits = new RequestLimits({ configuration, storage: system.storage, metrics })
  const context: AppContext = {
    system,
    access,
    audit,
    configuration,
    logger,
    metrics,
    lasting,
    bodies,
    limits,
    version: ownVersion(),
    startedAtMs: performance.now(),
    onProblem
  }

  const app = newApp(tls, configuration, {
    logger: false,
    bodyLimit: configuration.maxBodyBytes,
    ...serverOptions(configuration.limits),
    // A request that arrives on an open connection while the service stops is still answered: what was accepted is finished.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 500 },
    ajv: { customOptions: AJV_OPTIONS },
    schemaController: { compilersFactory },
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError
  })

  answerProblems(app, onProblem)
  app.removeAllContentTypeParsers()
  bodies.takeAsText(app, ['application/json'])
  bodies.takeOthersWhereEmpty(app)
  logRequests(app, logger)
  boundConnections(app.server, configuration.limits, metrics)
  setDeadlines(app.server, configuration.limits)
  handleInCohorts(app)
  boundRequests(app)
  ignoreTypesOfEmptyBodies(app)
  requireOneHost(app)
  secureAnswers(app)
  await answerAllowedOrigins(app, configuration.pages)
  guard(app, { access, tls, pages: configuration.pages })
  recordActions(app, audit)
  countRequests(app, audit)
  limits.addTo(app)
  bodies.addTo(app)
  app.addHook('preClose', async () => lasting.close())
  app.addHook('onClose', async () => {
    metrics.close()
    await protection.close()
  })
  // The last hook of onClose runs first: what the app needs to answer is closed behind the last answer.
  acceptOnSecondAddress(app, { speaksTls: tls !== undefined })

  await describeApi(app, context)
  await addRooms(app, context, {
    more: (api) => {
      homeRoute(api, context)
      metricsRoute(api, metrics, configuration)
    },
    beforePublishing: (publishing) => shedLoad(publishing, context)
  })
  await app.ready()
  await metrics.start()
  return app
}

/** By TLS, what speaks HTTP/2 too; for Fastify that is a server of another type, whose requests and answers are as these. */
function newApp(
  tls: ServiceTls | undefined,
  { limits }: ServiceConfiguration,
  options: FastifyHttpOptions<Server>
): App {
  if (tls === undefined) return fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  const { http, requestTimeout, ...others } = options
  const https = { ...http, requestTimeout, ...tls.serverOptions, ...http2Options(limits) }
  // The deadlines of connections stand in one place, setDeadlines.
  const app = fastify({ ...(others as object), http2: true, http2SessionTimeout: 0, https })
  tls.keepFresh(app.server)
  return app.withTypeProvider<TypeBoxTypeProvider>() as unknown as App
}

/**
 * Each failure with its code: the caller's at info, ours at error; that the log is away, or there is no room, once a minute
 * and how often. A caller that went away is no failure.
 */
function reportTo(metrics: Metrics, logger: Logger): OnProblem {
  const occurrences = new Occurrences(systemClock)
  return ({ code, status, detail, instance }, error) => {
    if (code === 'aborted') return
    metrics.errors.inc({ code })
    const requests = status === 503 ? occurrences.add(code) : 1
    if (requests === 0) return
    const shown = { code, status, url: withoutSecrets(instance), detail: withoutSecrets(detail) }
    if (requests > 1) logger.error({ code, status, requests, detail: shown.detail }, 'requests failed')
    else if (status >= 500) logger.error({ ...shown, err: error }, 'a request failed')
    else logger.info(shown, 'a request was refused')
  }
}

/** Each request at debug, and no work for it at any other level. */
function logRequests(app: App, logger: Logger): void {
  if ('isLevelEnabled' in logger && !(logger as { isLevelEnabled(level: string): boolean }).isLevelEnabled('debug'))
    return
  app.addHook('onResponse', async ({ method, url }, { statusCode, elapsedTime }) => {
    const durationMs = Math.round(elapsedTime * 100) / 100
    logger.debug({ method, url: withoutSecrets(url), status: statusCode, durationMs }, 'answered')
  })
}
