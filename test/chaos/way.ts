import type { Event, PublishOptions } from '@tradpal/event-system'
import type { Answer } from './diary.ts'

/** How a publisher publishes. */
export interface Way {
  /** Whether what is offered earlier is to stand earlier in the log, also when nobody waited between. */
  readonly keepsOrder: boolean
  /** Offers events, all or none. Resolves to what it is told of each, and never rejects. */
  publish(events: readonly Event[], options: PublishOptions): Promise<readonly Answer[]>
  /** Resolves when what this process has in a spool is in the log. */
  close(): Promise<void>
}

/** As the codes say: `unknown` is whether it was written. */
export function refusal(code: string): Answer {
  return { what: code === 'log_timeout' || code === 'no_answer' ? 'unknown' : 'refused', code }
}
