import {
  configure,
  type Environment,
  EnvironmentReader,
  type EventSystemConfiguration,
  EventSystemError,
  type EventTypeDefinition,
  knownEventTypes,
  type MisspeltVariable,
  misspeltVariables,
  type RetentionPolicy,
  recordedEnvironment
} from '@tradpal/event-system'
import { type AccessConfiguration, readAccess } from './access/index.ts'
import { type AuditConfiguration, readAudit } from './audit-variables.ts'
import { eventTypesIn } from './event-types-file.ts'
import { type PagesConfiguration, readPages } from './http/page-rules.ts'
import { type LimitsConfiguration, readLimits } from './limits/index.ts'
import { readRetention } from './retention-variables.ts'
import { serviceLinksIn } from './service-links.ts'
import { systemOptions } from './system-options.ts'

/** How the service runs. Each comes from a variable of the environment and has a default. */
export interface ServiceConfiguration {
  /**
   * EVENT_SERVICE_HOST: the address to listen on; `localhost` is both loopback addresses. Undefined: `localhost` while nobody is
   * asked for credentials because nobody said so, else `0.0.0.0`.
   */
  readonly host: string | undefined
  /** EVENT_SERVICE_PORT: 0 is any free one. Default 8011. */
  readonly port: number
  /** EVENT_MAX_BODY_BYTES: larger bodies are refused. Default 1,048,576. */
  readonly maxBodyBytes: number
  /** EVENT_MAX_EVENT_LOOP_DELAY_MS: when the service lags behind by more, publishes are refused with 503, so that all else goes on. Default 1,000. */
  readonly maxEventLoopDelayMs: number
  /** METRICS_UPDATE_INTERVAL, in s: how often the gauge of subscribers is refreshed. Default 30. */
  readonly metricsUpdateIntervalSeconds: number
  /** STREAM_MONITOR_INTERVAL, in s: how often the gauges of the log are refreshed. Default 60. */
  readonly streamMonitorIntervalSeconds: number
  /** EVENT_HEARTBEAT_INTERVAL_MS: how often a live stream with nothing to say says so. Default 15,000. */
  readonly heartbeatIntervalMs: number
  /** EVENT_STREAM_MAX_BUFFER_BYTES: a live stream that has more than this to send, and whose reader does not take it, is cut off. Default 1,048,576, at least 65,536. */
  readonly streamMaxBufferBytes: number
  /** LOG_LEVEL: debug, info, warn or error. Default info. */
  readonly logLevel: 'info' | 'debug' | 'warn' | 'error'
  /** EVENT_TYPES_FILE: a JSON file of further event types, name to JSON Schema. */
  readonly eventTypes: readonly EventTypeDefinition[]
  /** EVENT_RETENTION_MAX_LENGTH, _MAX_AGE, _MAX_BYTES and _BY_TYPE: what is kept of the log. Default: everything. */
  readonly retention: RetentionPolicy | undefined
  /** Who may use it. */
  readonly access: AccessConfiguration
  /** Which web pages may, where the browser's machine is all that is known of who sends a request. */
  readonly pages: PagesConfiguration
  /** How much they may do. */
  readonly limits: LimitsConfiguration
  /** EVENT_AUDIT and EVENT_AUDIT_RETENTION: whether it is recorded who does what, and how long that is kept. */
  readonly audit: AuditConfiguration
  /** Variables that nothing reads and that resemble one of the service. */
  readonly misspelt: readonly MisspeltVariable[]
}

const PORT = 8011

/** Throws `invalid_options` with a sentence for each variable that is wrong. */
export function readServiceConfiguration(given: Environment): ServiceConfiguration {
  const { environment, known } = recordedEnvironment(given)
  const read = new EnvironmentReader(environment)
  const whole = (variable: string, fallback: number, least: number, most?: number) =>
    read.wholeNumber(variable, undefined, variable, fallback, least, most)
  const eventTypes = readEventTypes(environment.EVENT_TYPES_FILE, read)
  const typeNames = [...knownEventTypes(), ...eventTypes.map(({ name }) => name)]
  const access = readAccess(environment, read)
  const maxBodyBytes = whole('EVENT_MAX_BODY_BYTES', 1_048_576, 1)
  const links = serviceLinksIn(environment)
  const configuration: ServiceConfiguration = {
    host: links.includes('EVENT_SERVICE_HOST')
      ? undefined
      : read.optionalText('EVENT_SERVICE_HOST', undefined, 'EVENT_SERVICE_HOST'),
    port: links.includes('EVENT_SERVICE_PORT') ? PORT : whole('EVENT_SERVICE_PORT', PORT, 0, 65_535),
    maxBodyBytes,
    maxEventLoopDelayMs: whole('EVENT_MAX_EVENT_LOOP_DELAY_MS', 1_000, 10, 60_000),
    metricsUpdateIntervalSeconds: whole('METRICS_UPDATE_INTERVAL', 30, 1, 86_400),
    streamMonitorIntervalSeconds: whole('STREAM_MONITOR_INTERVAL', 60, 1, 86_400),
    heartbeatIntervalMs: whole('EVENT_HEARTBEAT_INTERVAL_MS', 15_000, 10, 86_400_000),
    streamMaxBufferBytes: whole('EVENT_STREAM_MAX_BUFFER_BYTES', 1_048_576, 65_536),
    logLevel: read.choice('LOG_LEVEL', undefined, 'LOG_LEVEL', ['info', 'debug', 'warn', 'error']),
    eventTypes,
    retention: readRetention(environment, typeNames, read),
    access,
    limits: readLimits(read, maxBodyBytes),
    pages: readPages(environment, read),
    audit: readAudit(access, read),
    misspelt: misspeltVariables(given, known)
  }
  read.finish()
  return configuration
}

/** All that the environment says, the event system's part included, and what is wrong with either part said together. */
export function readConfiguration(environment: Environment): {
  service: ServiceConfiguration
  system: EventSystemConfiguration
} {
  const service = attempt(() => readServiceConfiguration(environment))
  const system = attempt(() => configure(systemOptions(environment)))
  if (service instanceof EventSystemError || system instanceof EventSystemError) {
    const wrong = [service, system].flatMap((result) => (result instanceof EventSystemError ? [result.message] : []))
    throw new EventSystemError('invalid_options', wrong.join('\n'))
  }
  return { service, system }
}

function attempt<Result>(work: () => Result): Result | EventSystemError {
  try {
    return work()
  } catch (error) {
    if (error instanceof EventSystemError) return error
    throw error
  }
}

function readEventTypes(path: string | undefined, read: EnvironmentReader): readonly EventTypeDefinition[] {
  const types = attempt(() => eventTypesIn(path))
  if (!(types instanceof EventSystemError)) return types
  read.wrong(types.message)
  return []
}
