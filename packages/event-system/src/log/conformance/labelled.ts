import type { AppendEntry, Entry, EntryLabel, Position, ReadRange, Storage } from '../port.ts'
import { newEventId } from './entries.ts'

/** An entry with a label, which its payload says too: a log that does not keep labels reads them there ({@link labelInPayload}). */
export function labelledEntry(label: EntryLabel): AppendEntry {
  const { eventType, key, eventTime } = label
  return { ...label, eventId: newEventId(), payload: JSON.stringify({ eventType, key, eventTime }) }
}

/** The label that a payload of {@link labelledEntry} says; `undefined` for another payload. */
export function labelInPayload(payload: string | null): EntryLabel | undefined {
  if (payload === null || !payload.startsWith('{"eventType"')) return undefined
  return JSON.parse(payload) as EntryLabel
}

/** What a range asks for, of entries in log order: a filter over all, in the order of the range. */
export function filtered(
  entries: readonly Entry[],
  range: Pick<ReadRange, 'keys' | 'eventTypes' | 'time' | 'direction'> & {
    readonly since?: number
    readonly until?: number
  }
): Entry[] {
  const {
    keys,
    eventTypes,
    time = 'log',
    direction,
    since = Number.NEGATIVE_INFINITY,
    until = Number.POSITIVE_INFINITY
  } = range
  const timeOf = (entry: Entry) => (time === 'log' ? entry.appendedAt : eventTimeOf(entry))
  const found = entries.filter((entry) => {
    const { eventType = '', key = '' } = labelInPayload(entry.payload) ?? {}
    if (eventTypes?.includes(eventType) === false || keys?.includes(key) === false) return false
    return timeOf(entry) >= since && timeOf(entry) <= until
  })
  // Array.sort is stable: equal times keep log order.
  if (time === 'event') found.sort((a, b) => timeOf(a) - timeOf(b))
  return direction === 'backward' ? found.reverse() : found
}

export function eventTimeOf({ payload, appendedAt }: Entry): number {
  return labelInPayload(payload)?.eventTime ?? appendedAt
}

/** All that a range asks for, page behind page. */
export async function readPages(storage: Storage, range: ReadRange): Promise<Entry[]> {
  const all: Entry[] = []
  for (let rest = range; ; ) {
    const { entries, position } = await storage.log.read(rest)
    all.push(...entries)
    if (entries.length < range.limit) return all
    rest =
      range.direction === 'backward'
        ? { ...rest, to: { checkpoint: position } }
        : { ...rest, from: { after: position } as Position }
  }
}
