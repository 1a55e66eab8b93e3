import { EventSystemError, type ReadOptions } from '@tradpal/events'
import type { EventRange } from './query.ts'
import type { ServiceRequest } from './transport.ts'

export interface CountOptions extends EventRange {
  /** How long the service may take to count. Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number
}

export interface StreamReplayOptions<T extends string = string, Raw extends boolean = false>
  extends EventRange<T>,
    ReadOptions<Raw> {
  /** 1 is the pace at which the log took the events, or with the time `event` at which they happened; 10 ten times that, `max` as fast as it goes. Default `max`. */
  readonly speed?: number | 'max'
  /** Ends the replay at the service; the loop then rejects with `aborted`. */
  readonly signal?: AbortSignal
}

/** It counts or streams and appends nothing: a read, whatever its method. */
export function replaying(query: URLSearchParams): ServiceRequest {
  return { method: 'POST', path: '/events/replay', query, repeat: 'always' }
}

/** Throws `invalid_argument`. */
export function speedOf(speed: number | 'max' = 'max'): number | 'max' {
  if (speed === 'max' || (Number.isFinite(speed) && speed > 0)) return speed
  throw new EventSystemError('invalid_argument', `speed must be a number above 0 or "max", got ${String(speed)}.`)
}
