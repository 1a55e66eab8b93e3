import { labelInPayload } from '../../src/log/conformance/labelled.ts'
import type { Entry, EntryLabel, ReadRange, Storage } from '../../src/log/port.ts'
import { waitFor } from '../../src/testing/index.ts'

/** Until the index has all that the log took. */
export async function indexed({ log, cursors }: Storage): Promise<void> {
  const hasAll = async () => {
    const [[indexedTo], { last }] = await Promise.all([cursors.positions(['index']), log.bounds()])
    return indexedTo === (last ?? '0-0')
  }
  await waitFor(hasAll, { what: 'the index having all entries', timeoutMs: 20_000 })
}

interface Labelled {
  readonly entry: Entry
  readonly label: EntryLabel | undefined
}

/** What a read is to find, of all entries of the log in log order: a filter over a full read. Positions of the range are times, or left out. */
export function filtered(entries: readonly Entry[], range: ReadRange): Entry[] {
  const { eventTypes, keys, time = 'log', direction = 'forward', from, to } = range
  const isByEvent = time === 'event'
  const timeOf = ({ entry, label }: Labelled) => (isByEvent ? label?.eventTime : undefined) ?? entry.appendedAt
  const first = typeof from === 'object' && 'time' in from ? from.time : Number.NEGATIVE_INFINITY
  const last = to !== undefined && 'time' in to ? to.time : Number.POSITIVE_INFINITY
  const found = entries
    .map((entry): Labelled => ({ entry, label: labelInPayload(entry.payload) }))
    .filter(({ label }) => label !== undefined || !(isByEvent || eventTypes !== undefined || keys !== undefined))
    .filter(({ label }) => eventTypes === undefined || eventTypes.includes(label?.eventType ?? ''))
    .filter(({ label }) => keys === undefined || (label?.key !== undefined && keys.includes(label.key)))
    .filter((one) => timeOf(one) >= first && timeOf(one) <= last)
  // Sorting is stable: those of one event time stay in log order.
  if (isByEvent) found.sort((a, b) => timeOf(a) - timeOf(b))
  if (direction === 'backward') found.reverse()
  return found.map(({ entry, label }) =>
    isByEvent ? { ...entry, eventTime: label?.eventTime ?? entry.appendedAt } : entry
  )
}
