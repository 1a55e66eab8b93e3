import { type OptionNames, unknownOptions } from '@tradpal/events'
import type { EventSystemOptions } from './configuration.ts'
import type { EncryptionOptions } from './encryption.ts'
import type { RedisAccessOptions } from './redis-access.ts'
import type { SigningOptions } from './signing.ts'

/** Every option of an event system. */
export const OPTIONS: OptionNames<EventSystemOptions> = {
  redisUrl: true,
  streamName: true,
  consumerGroup: true,
  logPath: true,
  deduplicationWindowMs: true,
  ledgerRetentionMs: true,
  retention: true,
  healthMaxLagMs: true,
  healthMaxPendingMs: true,
  healthMaxDeadLetters: true,
  maxGroups: true,
  timeoutMs: true,
  encryption: true,
  signing: true,
  log: true,
  logger: true,
  clock: true,
  environment: true,
  redisTls: true,
  redisSentinel: true,
  durability: true,
  validation: true,
  maxEventBytes: true,
  spoolPath: true,
  spoolMaxBytes: true,
  spoolDurability: true,
  publishMaxInFlight: true,
  publishMaxInFlightBytes: true,
  publishWhenFull: true
}

const ENCRYPTION: OptionNames<EncryptionOptions> = { keysFile: true, metadata: true, required: true, keyFor: true }
const SIGNING: OptionNames<SigningOptions> = { keysFile: true, verify: true }
const TLS: OptionNames<NonNullable<RedisAccessOptions['redisTls']>> = {
  caFile: true,
  certFile: true,
  keyFile: true,
  serverName: true
}
const SENTINEL: OptionNames<NonNullable<RedisAccessOptions['redisSentinel']>> = { username: true, password: true }

/** A sentence for each option that an event system does not have. */
export function unknownNames(options: EventSystemOptions): string[] {
  const faults = unknownOptions('EventSystem', options, OPTIONS)
  if (faults.length > 0) return faults
  const { encryption, signing, redisTls, redisSentinel } = options
  return [
    ...(encryption === undefined ? [] : unknownOptions('encryption', encryption, ENCRYPTION)),
    ...(signing === undefined ? [] : unknownOptions('signing', signing, SIGNING)),
    ...(redisTls === undefined ? [] : unknownOptions('redisTls', redisTls, TLS)),
    ...(redisSentinel === undefined ? [] : unknownOptions('redisSentinel', redisSentinel, SENTINEL))
  ]
}
