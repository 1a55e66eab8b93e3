import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  counted,
  type ErrorCode,
  EventSystemError,
  type OptionNames,
  onlyOptions,
  type RequeueNext
} from '@tradpal/events'
import type { DeadLetter, DeadLetterFilter, DeadLetters, Operator } from '../dead-letters/index.ts'
import { definedFilter, whole } from './arguments.ts'

export interface RequeueAllOptions extends Operator {
  /** Resolves to how many it would move, and moves none. Default false. */
  readonly dryRun?: boolean
  /** Aborted, it ends after the letter in hand and resolves to what it has done. */
  readonly signal?: AbortSignal
  /** So many letters are read at a time, and moved one by one: 1 to 1,000. Default 100. */
  readonly stepSize?: number
  /** This call tries at most so many letters. Default: all. */
  readonly limit?: number
  /** How many are to be moved, as an earlier call said: no more are, and they are not counted again. Default: as many as match when it begins. */
  readonly expected?: number
  /** Goes on behind the letter of this id, where an earlier call stopped. Only together with `expected`. */
  readonly after?: string
  /** Told after each step. */
  readonly onProgress?: (progress: RequeueProgress) => void
}

const OPTIONS: OptionNames<RequeueAllOptions> = {
  by: true,
  dryRun: true,
  signal: true,
  stepSize: true,
  limit: true,
  expected: true,
  after: true,
  onProgress: true
}

export interface RequeueProgress {
  /** How many letters are to be moved. */
  readonly matched: number
  /** How many are back with their groups. */
  readonly requeued: number
  /** Those that could not be moved, and why: `entry_trimmed`, or `not_found` when the letter or its group is gone. */
  readonly failed: readonly FailedRequeue[]
  /** Of those matched, how many were not tried. */
  readonly remaining: number
}

export interface FailedRequeue {
  readonly id: string
  readonly code: ErrorCode
}

export interface RequeueReport extends RequeueProgress {
  /** With the same filter and options, over them, the next call goes on with what remains. Undefined when nothing does. */
  readonly next?: RequeueNext
}

/** One letter cannot be moved, and others may. */
const OF_ONE_LETTER: ReadonlySet<ErrorCode> = new Set(['entry_trimmed', 'not_found'])

/** A bulk requeue that makes sense. */
interface Bulk {
  readonly filter: DeadLetterFilter & { readonly until: number }
  readonly dryRun: boolean
  readonly stepSize: number
  readonly limit: number
  readonly expected: number | undefined
  readonly after: string | undefined
  readonly signal: AbortSignal | undefined
  readonly onProgress: RequeueAllOptions['onProgress']
}

/** Refuses with `invalid_options` and `invalid_argument` what makes no sense. Only letters that are there by `now`, ms since the epoch, are meant. */
export function checkedBulk(filter: DeadLetterFilter, options: RequeueAllOptions, now: number): Bulk {
  onlyOptions('requeueAll()', options, OPTIONS)
  const { dryRun = false, stepSize = 100, limit, expected, after, signal, onProgress } = options
  const conditions = definedFilter('requeueAll()', filter)
  if (after !== undefined && expected === undefined) {
    const sentence = 'after goes on with an earlier call: give expected with it, as that call answered them.'
    throw new EventSystemError('invalid_argument', sentence, { pointer: '/after' })
  }
  return {
    filter: { ...conditions, until: Math.min(conditions.until ?? now, Math.floor(now)) },
    dryRun,
    stepSize: whole('stepSize', stepSize, 1, 1_000),
    limit: limit === undefined ? Number.POSITIVE_INFINITY : whole('limit', limit, 1),
    expected: expected === undefined ? undefined : whole('expected', expected, 0),
    after,
    signal,
    onProgress
  }
}

/** Moves letters, oldest first, in steps. */
export async function requeueLetters(
  letters: DeadLetters,
  { filter, dryRun, stepSize, limit, expected, after, signal, onProgress }: Bulk,
  move: (letter: DeadLetter) => Promise<void>
): Promise<RequeueReport> {
  const run = new Run(expected ?? (await letters.count(filter)), after)
  const bound = dryRun ? 0 : Math.min(limit, run.matched)
  try {
    while (run.tried < bound && !run.ended && !signal?.aborted) {
      const size = Math.min(stepSize, bound - run.tried)
      const step = await letters.list({ ...filter, ...run.position, limit: size })
      for (const letter of step) {
        if (signal?.aborted) break
        await run.try(letter, move)
      }
      // Somebody else has moved some of them.
      if (step.length < size && !signal?.aborted) run.ended = true
      onProgress?.(run.progress)
      // An embedded log answers at once: others in this process get their turn, and a signal is heard.
      await nextTurn()
    }
  } catch (error) {
    throw run.tried === 0 ? error : cutShort(error, run.progress)
  }
  const { progress, position } = run
  if (progress.remaining === 0) return progress
  return { ...progress, next: { until: filter.until, expected: progress.remaining, ...position } }
}

/** How far a bulk requeue is. */
class Run {
  readonly matched: number
  tried = 0
  /** There are no more. */
  ended = false
  #requeued = 0
  #after: string | undefined
  readonly #failed: FailedRequeue[] = []

  constructor(matched: number, after: string | undefined) {
    this.matched = matched
    this.#after = after
  }

  /** Behind which letter the next are. */
  get position(): { readonly after?: string } {
    return this.#after === undefined ? {} : { after: this.#after }
  }

  get progress(): RequeueProgress {
    return {
      matched: this.matched,
      requeued: this.#requeued,
      failed: this.#failed,
      remaining: this.ended ? 0 : this.matched - this.tried
    }
  }

  async try(letter: DeadLetter, move: (letter: DeadLetter) => Promise<void>): Promise<void> {
    try {
      await move(letter)
      this.#requeued++
    } catch (error) {
      if (!(error instanceof EventSystemError && OF_ONE_LETTER.has(error.code))) throw error
      this.#failed.push({ id: letter.id, code: error.code })
    }
    this.tried++
    this.#after = letter.id
  }
}

function cutShort(error: unknown, { requeued, matched }: RequeueProgress): unknown {
  if (!(error instanceof EventSystemError)) return error
  const sentence = `${requeued} of ${counted(matched, 'dead letter')} put back, then this: ${error.message}`
  return new EventSystemError(error.code, sentence, { cause: error, retryable: error.retryable })
}
