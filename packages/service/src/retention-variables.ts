import {
  type Environment,
  EnvironmentReader,
  faultsOfPolicy,
  knownEventTypes,
  parseAge,
  parseBytes,
  parseLimitsByType,
  type RetentionPolicy
} from '@tradpal/event-system'

const VARIABLES = {
  EVENT_RETENTION_MAX_LENGTH: (text: string) => ({ maxLength: /^\d+$/.test(text) ? Number(text) : Number.NaN }),
  EVENT_RETENTION_MAX_AGE: (text: string) => ({ maxAgeMs: parseAge(text) }),
  EVENT_RETENTION_MAX_BYTES: (text: string) => ({ maxBytes: parseBytes(text) }),
  EVENT_RETENTION_BY_TYPE: (text: string) => ({ byType: parseLimitsByType(text) })
} as const

/** What the EVENT_RETENTION_ variables say; undefined when none is set. */
export function readRetention(
  environment: Environment,
  eventTypes: readonly string[],
  read: EnvironmentReader
): RetentionPolicy | undefined {
  const policies = Object.entries(VARIABLES).flatMap(([variable, parse]) => {
    const text = environment[variable]
    if (text === undefined || text === '') return []
    try {
      const policy: RetentionPolicy = parse(text)
      for (const fault of faultsOfPolicy(policy, eventTypes)) read.wrong(`${variable}: ${fault}`)
      return [policy]
    } catch (error) {
      read.wrong(`${variable}: ${(error as Error).message}`)
      return []
    }
  })
  return policies.length === 0 ? undefined : Object.assign({}, ...policies)
}

/** As {@link readRetention}, of the types that are registered. Throws `invalid_options`. */
export function retentionOf(environment: Environment): RetentionPolicy | undefined {
  const read = new EnvironmentReader(environment)
  const policy = readRetention(environment, knownEventTypes(), read)
  read.finish()
  return policy
}
