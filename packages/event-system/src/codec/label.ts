import { type Event, timestampMs, upcastIfPossible } from '@tradpal/events'
import { type EntryLabel, isEntryKey } from '../log/index.ts'
import type { EventCodec } from './staged-codec.ts'

/** By what a log finds an event: its type, its symbol in the newest form that is known here, and when it happened. */
export function labelOf(event: Event, codec: EventCodec): EntryLabel {
  const { eventType, timestamp } = event
  const { symbol } = upcastIfPossible(event).data
  const key = typeof symbol === 'string' ? keysOf(symbol, codec)[0] : undefined
  return { eventType, eventTime: timestampMs(timestamp), ...(key !== undefined && { key }) }
}

/** The keys of events with one of these symbols. `undefined` where a symbol has none: such events are found by looking at each. */
export function keysOfSymbols(symbols: Iterable<string>, codec: EventCodec): string[] | undefined {
  const keys = Array.from(symbols, (symbol) => keysOf(symbol, codec))
  return keys.some(({ length }) => length === 0) ? undefined : keys.flat()
}

function keysOf(symbol: string, codec: EventCodec): readonly string[] {
  return (codec.keysOf?.(symbol) ?? [symbol]).filter(isEntryKey)
}
