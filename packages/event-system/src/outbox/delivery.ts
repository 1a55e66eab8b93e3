import { type ErrorCode, type Event, EventSystemError } from '@tradpal/events'
import { plainCodec } from '../codec/index.ts'
import type { OutboxPublisher } from './options.ts'
import type { WaitingEvent } from './store.ts'

/** These say that an event is wrong: the log would refuse it again. */
const OF_THE_EVENT: ReadonlySet<ErrorCode> = new Set([
  'invalid_json',
  'invalid_event',
  'invalid_data',
  'not_representable',
  'unknown_event_type',
  'payload_too_large'
])
/** These do not say whether the event or the log is at fault. */
const OF_EITHER: ReadonlySet<ErrorCode> = new Set(['log_failed', 'http_error'])

/** What became of the events that were offered. Those that stand in neither list were not tried, or not taken: they wait. */
export interface Delivered {
  /** The ids of the rows whose events are in the log. */
  readonly published: readonly string[]
  readonly refused: readonly RefusedEvent[]
  /** Of those published, what the publisher said of events whose ids stand for other events: they are duplicates, and were not written. */
  readonly conflicts?: readonly EventSystemError[]
  /** Why the rest waits. */
  readonly failure?: unknown
}

export interface RefusedEvent {
  readonly id: string
  readonly error: unknown
}

interface Readable {
  readonly id: string
  readonly event: Event
}

/**
 * Publishes events in their order: together, and one by one when one of them may be why they were refused. An error that
 * may be the event's fault or the log's is held against the event only if the log took another one of them.
 */
export async function deliver(
  rows: readonly WaitingEvent[],
  publisher: OutboxPublisher,
  mayGoOn: () => boolean
): Promise<Delivered> {
  const { readable, refused } = read(rows)
  if (readable.length === 0) return { published: [], refused }
  try {
    await publisher.publishBatch(readable.map(({ event }) => event))
    return { published: readable.map(({ id }) => id), refused }
  } catch (error) {
    if (isConflict(error)) return { published: readable.map(({ id }) => id), refused, conflicts: [error] }
    if (culpritOf(error) === 'log') return { published: [], refused, failure: error }
  }
  return oneByOne(readable, refused, publisher, mayGoOn)
}

async function oneByOne(
  readable: readonly Readable[],
  unreadable: readonly RefusedEvent[],
  publisher: OutboxPublisher,
  mayGoOn: () => boolean
): Promise<Delivered> {
  const published: string[] = []
  const conflicts: EventSystemError[] = []
  const refused = [...unreadable]
  const suspected: RefusedEvent[] = []
  let failure: unknown
  for (const { id, event } of readable) {
    if (!mayGoOn()) break
    try {
      await publisher.publishBatch([event])
      published.push(id)
    } catch (error) {
      if (isConflict(error)) {
        published.push(id)
        conflicts.push(error)
        continue
      }
      const culprit = culpritOf(error)
      if (culprit === 'log') {
        failure = error
        break
      }
      if (culprit === 'event') refused.push({ id, error })
      else suspected.push({ id, error })
    }
  }
  if (published.length > 0) return { published, refused: [...refused, ...suspected], conflicts, failure }
  return { published, refused, failure: failure ?? suspected[0]?.error }
}

function read(rows: readonly WaitingEvent[]): { readable: Readable[]; refused: RefusedEvent[] } {
  const readable: Readable[] = []
  const refused: RefusedEvent[] = []
  for (const { id, payload } of rows) {
    try {
      readable.push({ id, event: plainCodec.decode(payload) })
    } catch (error) {
      refused.push({ id, error })
    }
  }
  return { readable, refused }
}

/** Every other event of the batch is in the log then, and so is another event with each of the ids in conflict. */
function isConflict(error: unknown): error is EventSystemError {
  return error instanceof EventSystemError && error.code === 'event_id_conflict'
}

function culpritOf(error: unknown): 'event' | 'log' | 'either' {
  if (!(error instanceof EventSystemError)) return 'either'
  if (OF_THE_EVENT.has(error.code)) return 'event'
  return !error.retryable && OF_EITHER.has(error.code) ? 'either' : 'log'
}
