import { EventSystemError, resolveEventType } from '@tradpal/events'
import type { Position } from '../log/index.ts'
import { isName, NAME } from './option-values.ts'
import { type ConsumeOptions, toPosition } from './options.ts'

/** One pull: so many events of a group, for so long. */
export interface PullOptions {
  /** The consumer group. It is made when it is not there. */
  readonly group: string
  /** Who pulls, 1 to 200 characters. Several processes may pull under one name. Default `puller`. */
  readonly consumer?: string
  /** Where a group that does not exist yet begins. Default `new`. */
  readonly from?: ConsumeOptions['from']
  /** At most so many events, 1 to 1,000. Default 100. */
  readonly max?: number
  /** How long to wait for the first, in ms, 0 to 60,000. Default 0. */
  readonly waitMs?: number
  /** Only events of these types; the others are acknowledged for the whole group. Default: all. */
  readonly eventTypes?: readonly string[]
  /** What was handed out and not settled or extended for so long is handed out again, in ms, 100 to 86,400,000: the same for all who pull from the group. Default 30,000. */
  readonly leaseMs?: number
  /** After so many failures an event goes to the dead letters, 1 to 1,000. Default 5. */
  readonly maxAttempts?: number
  /** Aborted, the pull rejects, and what it had got is handed back. */
  readonly signal?: AbortSignal
}

export interface ResolvedPullOptions {
  readonly group: string
  readonly consumer: string
  readonly from: Position
  readonly max: number
  readonly waitMs: number
  readonly eventTypes: ReadonlySet<string> | undefined
  readonly leaseMs: number
  readonly maxAttempts: number
  readonly signal: AbortSignal | undefined
}

/** Refuses with `invalid_argument` and `unknown_event_type` what makes no sense. */
export function resolvePullOptions(options: PullOptions): ResolvedPullOptions {
  return {
    group: name('group', options.group),
    consumer: name('consumer', options.consumer ?? 'puller'),
    from: toPosition(options.from ?? 'new'),
    max: within('max', options.max ?? 100, 1, 1_000),
    waitMs: within('waitMs', options.waitMs ?? 0, 0, 60_000),
    eventTypes: options.eventTypes === undefined ? undefined : new Set(typesOf(options.eventTypes)),
    leaseMs: within('leaseMs', options.leaseMs ?? 30_000, 100, 86_400_000),
    maxAttempts: within('maxAttempts', options.maxAttempts ?? 5, 1, 1_000),
    signal: options.signal
  }
}

/** The name of a group or a consumer that fits into a path and a line. */
export function name(what: 'group' | 'consumer', value: string): string {
  if (isName(value)) return value
  const sentence = `The name of a ${what} must be ${NAME}, got ${JSON.stringify(value)}.`
  throw new EventSystemError('invalid_argument', sentence, { pointer: `/${what}` })
}

export function within(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  const sentence = `${what} must be a whole number from ${least} to ${most}, got ${value}.`
  throw new EventSystemError('invalid_argument', sentence, { pointer: `/${what}` })
}

function typesOf(names: readonly string[]): string[] {
  if (names.length > 0) return names.map((type) => resolveEventType(type))
  throw new EventSystemError('invalid_argument', 'eventTypes is empty; leave it out for all types.')
}
