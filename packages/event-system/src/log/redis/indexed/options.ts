import type { EventSystemError } from '@tradpal/events'
import type { Entry, EntryLabel } from '../../port.ts'

/** An index of a log by event type, key and event time. */
export interface IndexOptions {
  /**
   * The labels of entries, in their order; `undefined` for an entry that is no event, which the index leaves out. A label says the same as the
   * {@link AppendEntry} said. Rejects when that cannot be known now: it is asked again later, in this process or another.
   */
  readonly labelsOf: (entries: readonly Entry[]) => Promise<readonly (EntryLabel | undefined)[]>
  /**
   * The number of entries in a segment of the index. Reads by event time look at one segment or a few. Larger segments take less memory for each entry.
   * Default 8,192.
   */
  readonly segmentSize?: number
  /** Called when indexing stops for an error, once until it has gone on again. Default: nobody is told. */
  readonly onProblem?: (reason: EventSystemError) => void
}
