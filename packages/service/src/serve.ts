import { type AddressInfo, isIPv6 } from 'node:net'
import {
  type Environment,
  EventSystem,
  type EventSystemConfiguration,
  EventSystemError,
  type Logger,
  onlyOptions,
  registerEventType,
  warnOfMisspelt
} from '@tradpal/event-system'
import { asksForCredentials } from './access/index.ts'
import { readConfiguration, readServiceConfiguration, type ServiceConfiguration } from './configuration.ts'
import { Connections } from './connections.ts'
import { buildApp } from './http/app.ts'
import { newLogger } from './logger.ts'
import { serviceLinksIn } from './service-links.ts'
import { systemOptions } from './system-options.ts'
import { printableLines } from './terminal-text.ts'

/** Answers under way when the service is told to stop have so long to end. */
const FINISH_MS = 6_000
/** Then the log has so long to close: together they stay under the 10 s after which orchestrators kill. */
const CLOSE_LOG_MS = 2_500

export interface ServiceOptions {
  /** An event system of your own; the service initializes and closes it. Default: the one that the environment describes. */
  readonly system?: EventSystem
  /** What differs from what the environment says. */
  readonly configuration?: Partial<ServiceConfiguration>
  /** Default: pino, JSON on the standard output, at LOG_LEVEL. */
  readonly logger?: Logger
  /** Where the variables are read from. Default: process.env. */
  readonly environment?: Environment
}

export interface RunningService extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:8011`, and with TLS `https://…`. */
  readonly url: string
  readonly system: EventSystem
  /** Stops accepting, finishes what was accepted and closes the event system, within 10 s. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts the event service and resolves when it listens. Rejects with `invalid_options`, a sentence a line for each
 * wrong variable, and with what {@link EventSystem.initialize} rejects with; nothing is left running then.
 */
export async function startService(options: ServiceOptions = {}): Promise<RunningService> {
  onlyOptions('startService()', options, { system: true, configuration: true, logger: true, environment: true })
  const { environment = process.env } = options
  const given = options.system === undefined ? readConfiguration(environment) : undefined
  const configuration = { ...(given?.service ?? readServiceConfiguration(environment)), ...options.configuration }
  const logger = options.logger ?? newLogger(configuration.logLevel)
  const ignored = serviceLinksIn(environment)
  if (ignored.length > 0) logger.warn({ variables: ignored }, SERVICE_LINKS)
  warnOfMisspelt(configuration.misspelt, logger)
  for (const definition of configuration.eventTypes) registerEventType(definition)
  const { retention } = configuration
  const system =
    options.system ?? new EventSystem({ ...systemOptions(environment), logger, ...(retention && { retention }) })

  await system.initialize()
  try {
    return await listen(system, configuration, logger, given?.system)
  } catch (error) {
    await system.close({ timeoutMs: CLOSE_LOG_MS })
    throw error
  }
}

async function listen(
  system: EventSystem,
  configuration: ServiceConfiguration,
  logger: Logger,
  asked: EventSystemConfiguration | undefined
): Promise<RunningService> {
  const app = await buildApp({ system, configuration, logger })
  const connections = new Connections(app.server)
  const { host = defaultHost(configuration), port } = configuration
  try {
    await app.listen({ host: host === LOOPBACK ? '127.0.0.1' : host, port })
    if (host === LOOPBACK) await app.listenAlso('::1')
  } catch (cause) {
    await app.close()
    throw cannotListen(host, port, cause)
  }
  const scheme = configuration.access.tls === undefined ? 'http' : 'https'
  const url = urlOf(scheme, app.server.address() as AddressInfo)
  const { eventTypes, ...settings } = configuration
  const { kind, location } = system.storage
  const shown = {
    ...settings,
    host,
    eventTypes: eventTypes.map(({ name }) => name),
    consumerGroup: asked?.consumerGroup,
    health: asked?.healthBounds,
    log: { kind, location, ...asked?.logSettings }
  }
  logger.info({ url, configuration: shown }, 'the event service listens')
  if (configuration.host === undefined && host === LOOPBACK) logger.info({ host }, LISTEN_WIDER)

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= stop(app, connections, { system, logger })
    return closing
  }
  return { url, system, close, [Symbol.asyncDispose]: close }
}

type App = Awaited<ReturnType<typeof buildApp>>

async function stop(
  app: App,
  connections: Connections,
  { system, logger }: { system: EventSystem; logger: Logger }
): Promise<void> {
  const outOfTime = setTimeout(() => {
    logger.warn({}, 'answers under way took too long and are cut off')
    connections.cutOff()
  }, FINISH_MS)
  const letGo = setInterval(() => connections.letIdleGo(), 50)
  await app.close()
  clearInterval(letGo)
  clearTimeout(outOfTime)
  const left = await system.close({ timeoutMs: CLOSE_LOG_MS })
  logger.info({ uptimeSeconds: Math.round(process.uptime()), ...left }, 'the event service has stopped')
}

/** Both loopback addresses, IPv6 where the machine has it. */
const LOOPBACK = 'localhost'
const LISTEN_WIDER =
  'the service listens on this machine alone, since nobody has said who may use it: set EVENT_SERVICE_HOST to listen wider (0.0.0.0 is every IPv4 address), and EVENT_AUTH to ask for credentials'

const SERVICE_LINKS =
  'variables that Kubernetes has set for a Service are ignored: to set them yourself, rename the Service, or set enableServiceLinks: false in the pod'

/** While nobody has said who may use the service, nobody else reaches it. */
function defaultHost({ access }: ServiceConfiguration): string {
  return access.auth === undefined && !asksForCredentials(access) ? LOOPBACK : '0.0.0.0'
}

function cannotListen(host: string, port: number, cause: unknown): EventSystemError {
  const { code, message, address = host } = cause as NodeJS.ErrnoException & { address?: string }
  const place = `${isIPv6(address) ? `[${address}]` : address}:${port}`
  const sentence =
    code === 'EADDRINUSE'
      ? `Another process listens on ${place}; end it, or set EVENT_SERVICE_PORT.`
      : `The service cannot listen on ${place}: ${message}.`
  return new EventSystemError('invalid_options', sentence, { cause })
}

/** 0.0.0.0 is where it listens, not where anybody can go. */
function urlOf(scheme: 'http' | 'https', { address, family, port }: AddressInfo): string {
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address
  return `${scheme}://${host}:${port}`
}

/**
 * Runs the service as this process, until SIGTERM or SIGINT; a second signal ends it at once. Resolves when it listens.
 * `configuration` is what differs from what the environment says.
 * The process ends with 0 after a signal, with 2 when the configuration is wrong, or a file that it names, and with 1 when the log cannot be opened
 * or the port cannot be had: whoever runs it starts it again.
 */
export async function serve(
  environment: Environment = process.env,
  configuration: Partial<ServiceConfiguration> = {}
): Promise<void> {
  try {
    readConfiguration(environment)
  } catch (error) {
    return fail(error, 2)
  }
  let service: RunningService | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    for (const each of SIGNALS) process.off(each, onSignal)
    // Nothing was accepted yet: the signal does what it does to any process.
    if (service === undefined) return process.kill(process.pid, signal)
    for (const each of SIGNALS) process.once(each, () => process.exit(1))
    service.close().then(
      () => process.exit(0),
      (error) => fail(error, 1)
    )
  }
  // Before it listens, so that whoever reads that it does may end it at once.
  for (const signal of SIGNALS) process.on(signal, onSignal)
  service = await startService({ environment, configuration }).catch((error) =>
    fail(error, isWrongConfiguration(error) ? 2 : 1)
  )
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Whether it stays wrong until somebody mends it; a port may be free the next time. */
function isWrongConfiguration(error: unknown): boolean {
  if (!(error instanceof EventSystemError) || error.code !== 'invalid_options') return false
  return (error.cause as NodeJS.ErrnoException | undefined)?.syscall !== 'listen'
}

function fail(error: unknown, exitCode: number): never {
  const text = error instanceof EventSystemError ? error.message : String((error as Error).stack ?? error)
  process.stderr.write(`${printableLines(text)}\n`)
  process.exit(exitCode)
}
