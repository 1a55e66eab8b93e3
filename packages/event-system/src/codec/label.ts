import { type Event, EventSystemError, isKey, isRetryable, timestampMs, upcastIfPossible } from '@tradpal/events'
import type { Entry, EntryLabel } from '../log/index.ts'
import { clearPartOf, prepareReading } from './event-codec.ts'
import type { EventCodec } from './staged-codec.ts'

/** By what a log finds an event: its type, its symbol in the newest form that is known here, and when it happened. */
export function labelOf(event: Event, codec: EventCodec): EntryLabel {
  const { eventType, timestamp } = event
  const { symbol } = upcastIfPossible(event).data
  const key = typeof symbol === 'string' ? keysOf(symbol, codec)[0] : undefined
  return { eventType, eventTime: timestampMs(timestamp), ...(key !== undefined && { key }) }
}

/**
 * The labels of entries, by what they hold: `undefined` stands for one that is no event. An event whose key was destroyed has no symbol.
 * Rejects where they cannot be known now, as with `key_missing`.
 */
export async function labelsOf(
  entries: readonly Entry[],
  codec: EventCodec
): Promise<readonly (EntryLabel | undefined)[]> {
  await prepareReading(codec, entries)
  return entries.map(({ payload }) => labelIn(payload, codec))
}

function labelIn(payload: string | null, codec: EventCodec): EntryLabel | undefined {
  if (payload === null) return undefined
  try {
    return labelOf(codec.decode(payload), codec)
  } catch (error) {
    if (isRetryable(error)) throw error
    const isShredded = error instanceof EventSystemError && error.code === 'shredded'
    const clear = isShredded ? clearPartOf(payload) : undefined
    return clear && { eventType: clear.eventType, eventTime: timestampMs(clear.timestamp) }
  }
}

/** The keys of events with one of these symbols. `undefined` where a symbol has none: such events are found by looking at each. */
export function keysOfSymbols(symbols: Iterable<string>, codec: EventCodec): string[] | undefined {
  const keys = Array.from(symbols, (symbol) => keysOf(symbol, codec))
  return keys.some(({ length }) => length === 0) ? undefined : keys.flat()
}

function keysOf(symbol: string, codec: EventCodec): readonly string[] {
  return (codec.keysOf?.(symbol) ?? [symbol]).filter(isKey)
}
