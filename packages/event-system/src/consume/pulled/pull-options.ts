import { EventSystemError, type OptionNames, onlyOptions } from '@tradpal/events'
import { MOST_ATTEMPTS, pulledTypes } from '../../groups/index.ts'
import type { Position } from '../../log/index.ts'
import { shown } from '../../runtime/index.ts'
import { isName, NAME } from '../option-values.ts'
import { type ConsumeOptions, toPosition } from '../options.ts'

/** One pull: so many events of a group, for so long. */
export interface PullOptions {
  /** The consumer group. It is made when it is not there. */
  readonly group: string
  /** Who pulls, 1 to 200 characters. Several processes may pull under one name. Default `puller`. */
  readonly consumer?: string
  /** The principal that pulls for this consumer. Only calls with the same name settle the deliveries. Default: an empty name. */
  readonly principal?: string
  /** Where a group that does not exist yet begins. Default `new`. */
  readonly from?: ConsumeOptions['from']
  /** At most so many events, 1 to 1,000. Default 100. */
  readonly max?: number
  /** How long to wait for the first, in ms, 0 to 60,000. Default 0. */
  readonly waitMs?: number
  /**
   * Only events of these types; the others are acknowledged for the whole group. The first pull from a group sets them, and
   * a pull with others is refused. Default: all.
   */
  readonly eventTypes?: readonly string[]
  /**
   * Whether this pull may set the event types of a group that is there already, and that nobody has pulled from: without
   * it, a caller that may not read everything could acknowledge events that others wait for. Default true.
   */
  readonly mayAdopt?: boolean
  /** What was handed out and not settled or extended for so long is handed out again, in ms, 100 to 86,400,000: the same for all who pull from the group. Default 30,000. */
  readonly leaseMs?: number
  /**
   * After so many failures an event goes to the dead letters, 1 to 1,000. The first pull from a group sets it, and a pull
   * that names another is refused. Default: as the group is set; 5 at the first pull.
   */
  readonly maxAttempts?: number
  /** Aborted, the pull rejects, and what it had got is handed back. */
  readonly signal?: AbortSignal
}

const OPTIONS: OptionNames<PullOptions> = {
  group: true,
  consumer: true,
  principal: true,
  from: true,
  max: true,
  waitMs: true,
  eventTypes: true,
  mayAdopt: true,
  leaseMs: true,
  maxAttempts: true,
  signal: true
}

export interface ResolvedPullOptions {
  readonly group: string
  readonly consumer: string
  readonly principal: string
  readonly from: Position
  readonly max: number
  readonly waitMs: number
  /** Sorted; `null` for all. */
  readonly eventTypes: readonly string[] | null
  readonly mayAdopt: boolean
  readonly leaseMs: number
  readonly maxAttempts: number | undefined
  readonly signal: AbortSignal | undefined
}

/** Refuses with `invalid_options`, `invalid_argument` and `unknown_event_type` what makes no sense. */
export function resolvePullOptions(options: PullOptions): ResolvedPullOptions {
  onlyOptions('pull()', options, OPTIONS)
  const { maxAttempts } = options
  return {
    group: name('group', options.group),
    consumer: name('consumer', options.consumer ?? 'puller'),
    principal: principalOf(options.principal),
    from: toPosition(options.from ?? 'new'),
    max: within('max', options.max ?? 100, 1, 1_000),
    waitMs: within('waitMs', options.waitMs ?? 0, 0, 60_000),
    eventTypes: pulledTypes(options.eventTypes),
    mayAdopt: options.mayAdopt ?? true,
    leaseMs: within('leaseMs', options.leaseMs ?? 30_000, 100, 86_400_000),
    maxAttempts: maxAttempts === undefined ? undefined : within('maxAttempts', maxAttempts, 1, MOST_ATTEMPTS),
    signal: signalOf(options.signal)
  }
}

/** Refuses with `invalid_argument` what is no text. */
export function principalOf(principal = ''): string {
  if (typeof principal === 'string') return principal
  throw new EventSystemError('invalid_argument', `principal must be a text, got ${shown(principal)}.`)
}

function signalOf(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new EventSystemError('invalid_argument', `signal must be an AbortSignal, got ${shown(signal)}.`)
}

/** The name of a group or a consumer that fits into a path and a line. */
export function name(what: 'group' | 'consumer', value: string): string {
  if (isName(value)) return value
  const sentence = `The name of a ${what} must be ${NAME}, got ${shown(value)}.`
  throw new EventSystemError('invalid_argument', sentence, { pointer: `/${what}` })
}

export function within(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  const sentence = `${what} must be a whole number from ${least} to ${most}, got ${shown(value)}.`
  throw new EventSystemError('invalid_argument', sentence, { pointer: `/${what}` })
}
