import { hostname } from 'node:os'
import {
  type BackoffOptions,
  type Event,
  EventSystemError,
  type OptionNames,
  onlyOptions,
  symbolOf
} from '@tradpal/events'
import type { MessageId, Position } from '../log/index.ts'
import { choice, duration, wholeNumber, wrong } from '../runtime/index.ts'
import { checkedBackoff, nameOf } from './option-values.ts'

/** How a group consumes. Its members should be given the same, but for `consumer`. */
export interface ConsumeOptions {
  /** The consumer group: its members share the events. Default: the system's (EVENT_CONSUMER_GROUP, `tradpal_consumers`). */
  readonly group?: string
  /** This member's name, unique in the group while it lives. A process that comes back under the same name takes up at once what it left. Default: host, process id and a random part. */
  readonly consumer?: string
  /** Where a group that does not exist yet begins: `new` (what is published from now on), `start`, behind a message id, or at a time. A group that exists goes on where it stands. Default `new`. */
  readonly from?: 'new' | 'start' | MessageId | Date
  /**
   * `none`: the members share event by event, and with more than one, or with a concurrency above 1, events overtake each
   * other. `key`: events of one key are handled one at a time and in log order, in the whole group; the members share the
   * keys, partition by partition. Default `none`.
   */
  readonly ordering?: 'none' | 'key'
  /** What must stay in order. An event for which it returns undefined is in order with nothing; one for which it throws, or returns what is no string, goes to the dead letters. Default: the symbol of the event's data. Only with `ordering: 'key'`. */
  readonly key?: (event: Event) => string | undefined
  /** The number of partitions into which the keys are cut: as many members can share the work, 1 to 1,024. It can be changed while no member lives and nothing is pending. Default 8. Only with `ordering: 'key'`. */
  readonly partitions?: number
  /** A member that gives no sign of life for so long loses its partitions to the others, in ms, 50 or more. Default 10,000. Only with `ordering: 'key'`. */
  readonly leaseMs?: number
  /** How many events are handled at the same time, 1 or more. With 1, events are handled one after another in log order, but for retries. Default 1. */
  readonly concurrency?: number
  /** How many entries are held ready beyond those being handled, 1 or more. Default 500. */
  readonly prefetch?: number
  /** With so many bytes of events in hand no more are read, until there are fewer. Default 16 MiB. */
  readonly prefetchBytes?: number
  /** How often a handler may fail on an event before that goes to the dead letters. Default 5. */
  readonly maxAttempts?: number
  /** The wait before each retry: exponential with full jitter. Default 100 ms, doubling up to 30 s. */
  readonly backoff?: BackoffOptions
  /** An entry that its consumer has not kept alive for so long is taken over by another, in ms, 10 or more. Default 30,000. Only with `ordering: 'none'`. */
  readonly claimAfterMs?: number
  /** A consumer of the group that holds nothing and was not there for so long is removed, in ms. Default 3,600,000: an hour. */
  readonly forgetConsumersAfterMs?: number
}

export interface ResolvedConsumeOptions extends Omit<Required<ConsumeOptions>, 'from'> {
  readonly from: Position
}

const DEFAULTS = {
  ordering: 'none',
  key: symbolOf,
  partitions: 8,
  leaseMs: 10_000,
  concurrency: 1,
  prefetch: 500,
  prefetchBytes: 16 * 1024 * 1024,
  maxAttempts: 5,
  backoff: {},
  claimAfterMs: 30_000,
  forgetConsumersAfterMs: 3_600_000
} as const

const NAMES: OptionNames<ConsumeOptions> = {
  group: true,
  consumer: true,
  from: true,
  ordering: true,
  key: true,
  partitions: true,
  leaseMs: true,
  concurrency: true,
  prefetch: true,
  prefetchBytes: true,
  maxAttempts: true,
  backoff: true,
  claimAfterMs: true,
  forgetConsumersAfterMs: true
}

/** Of one way to share, what the other has no use for. */
const MEANINGLESS = { none: ['key', 'partitions', 'leaseMs'], key: ['claimAfterMs'] } as const

/** Fills in the defaults; refuses with `invalid_options` what makes no sense. */
export function resolveConsumeOptions(options: ConsumeOptions, defaultGroup: string): ResolvedConsumeOptions {
  onlyOptions('startConsuming()', options, NAMES)
  const given = { ...DEFAULTS, ...withoutUndefined(options) }
  const ordering = choice('ordering', given.ordering, ['none', 'key'])
  for (const name of MEANINGLESS[ordering]) {
    if (options[name] !== undefined) {
      throw new EventSystemError('invalid_options', `${name} means nothing with ordering '${ordering}': leave it out.`)
    }
  }
  if (typeof given.key !== 'function') {
    throw new EventSystemError('invalid_options', `key must be a function of the event, got ${typeof given.key}.`)
  }
  return {
    group: nameOf('group', options.group ?? defaultGroup),
    consumer: nameOf('consumer', options.consumer ?? newConsumerName()),
    from: toPosition(options.from ?? 'new'),
    ordering,
    key: given.key,
    partitions: wholeNumber('partitions', given.partitions, 1, 1_024),
    leaseMs: duration('leaseMs', given.leaseMs, 50),
    concurrency: wholeNumber('concurrency', given.concurrency, 1),
    prefetch: wholeNumber('prefetch', given.prefetch, 1),
    prefetchBytes: wholeNumber('prefetchBytes', given.prefetchBytes, 1),
    maxAttempts: wholeNumber('maxAttempts', given.maxAttempts, 1),
    backoff: checkedBackoff(given.backoff),
    claimAfterMs: duration('claimAfterMs', given.claimAfterMs, 10),
    forgetConsumersAfterMs: duration('forgetConsumersAfterMs', given.forgetConsumersAfterMs, 1)
  }
}

function withoutUndefined(options: ConsumeOptions): ConsumeOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

export function toPosition(from: NonNullable<ConsumeOptions['from']>): Position {
  if (from === 'start') return 'start'
  if (from === 'new') return 'end'
  if (typeof from === 'string' && !isWordOrTime(from)) return { after: from }
  if (!(from instanceof Date)) throw wrong('from', "'new', 'start', a message id or a Date", from)
  const time = from.getTime()
  if (Number.isNaN(time)) throw new EventSystemError('invalid_options', 'from is an invalid Date.')
  return { time }
}

/** A text without digits is no message id of any log, nor is a time in RFC 3339. */
function isWordOrTime(text: string): boolean {
  return !/\d/.test(text) || /^\d{4}-\d\d-\d\d/.test(text)
}

function newConsumerName(): string {
  return `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`
}
