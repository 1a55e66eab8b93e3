import type { EnvironmentReader } from './environment.ts'

export interface DurabilityOptions {
  /**
   * What an append survives. Embedded: `os` the end of the process, `disk` the loss of power. In Redis: `memory` what that is
   * configured for, `fsync` its loss of power, `replicas:N` its loss. Environment: EVENT_LOG_DURABILITY. Default `os`, and `memory`.
   */
  readonly durability?: EmbeddedDurability | RedisDurability
}

type EmbeddedDurability = 'os' | 'disk'
type RedisDurability = 'memory' | 'fsync' | `replicas:${number}`

const KINDS = {
  embedded: { pattern: /^(os|disk)$/, choices: 'os or disk', fallback: 'os', isFor: 'the embedded log' },
  redis: {
    pattern: /^(memory|fsync|replicas:[1-9]\d?)$/,
    choices: 'memory, fsync or replicas:N, such as replicas:1',
    fallback: 'memory',
    isFor: 'a log in Redis'
  }
} as const

/**
 * What is right depends on where the log is. `isNamed`: an option says where, and then the variable counts only when it is
 * for such a log: it may be about the environment's own.
 */
export function readDurability(
  { durability: given }: DurabilityOptions,
  read: EnvironmentReader,
  kind: keyof typeof KINDS,
  isNamed: boolean
): { embedded: EmbeddedDurability; redis: RedisDurability } {
  const { pattern, choices, fallback } = KINDS[kind]
  const other = kind === 'redis' ? KINDS.embedded : KINDS.redis
  const value = read.text('durability', given, 'EVENT_LOG_DURABILITY', fallback)
  const isOfOther = other.pattern.test(value)
  if (!pattern.test(value) && !(isOfOther && isNamed && given === undefined)) {
    const name = given === undefined ? 'EVENT_LOG_DURABILITY' : 'durability'
    const hint = isOfOther ? `, which is for ${other.isFor}` : ''
    read.wrong(`${name} must be ${choices}, got ${JSON.stringify(value)}${hint}.`)
  }
  return {
    embedded: KINDS.embedded.pattern.test(value) ? (value as EmbeddedDurability) : 'os',
    redis: KINDS.redis.pattern.test(value) ? (value as RedisDurability) : 'memory'
  }
}
