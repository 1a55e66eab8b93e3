import { type Clock, EventSystemError } from '@tradpal/events'
import type { Entry } from '../log/index.ts'
import { shown } from '../runtime/index.ts'

/** How a replay paces itself. */
export interface ReplayPace {
  /** 1 is the pace at which the log took the events, or with the time `event` at which they happened; 2 twice as fast; `max` (default) does not wait. */
  readonly speed?: number | 'max'
  readonly signal?: AbortSignal
}

/** The speed of a replay. Throws `invalid_argument`. */
export function speedOf({ speed = 'max' }: ReplayPace): number | 'max' {
  if (speed === 'max' || (Number.isFinite(speed) && speed > 0)) return speed
  throw new EventSystemError('invalid_argument', `speed must be a number above 0, or 'max', got ${shown(speed)}.`)
}

/** An event, and the time by which it is due, ms since the epoch. */
export interface Timed<E> {
  readonly event: E
  readonly time: number
}

/** Makes of an event and its entry when it is due: by the time at which the log took it, or at which it happened. */
export function timedBy(time: 'log' | 'event'): <E>(event: E, entry: Entry) => Timed<E> {
  if (time === 'log') return (event, { appendedAt }) => ({ event, time: appendedAt })
  return (event, { eventTime }) => ({ event, time: eventTime as number })
}

/** The events, each when it is due by its time. The first is due at once. */
export async function* paced<E>(
  events: AsyncIterable<Timed<E>>,
  speed: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal | undefined }
): AsyncGenerator<E, void> {
  let offsetMs: number | undefined
  for await (const { event, time } of events) {
    const dueMs = time / speed
    offsetMs ??= clock.now() - dueMs
    const waitMs = offsetMs + dueMs - clock.now()
    if (waitMs > 0) await clock.sleep(waitMs, signal)
    yield event
  }
}
