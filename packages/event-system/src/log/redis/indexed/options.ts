import type { EventSystemError } from '@tradpal/events'
import type { Entry, EntryLabel } from '../../port.ts'

/** An index of a log by event type, key and event time. */
export interface IndexOptions {
  /**
   * What entries are found by, in their order; `undefined` for one that is no event, which the index leaves out. It says of an entry what its
   * {@link AppendEntry} said. Rejects when that cannot be known now: it is asked again later, in this process or another.
   */
  readonly labelsOf: (entries: readonly Entry[]) => Promise<readonly (EntryLabel | undefined)[]>
  /**
   * So many entries become one segment of the index, of which reads by event time look at one or a few whole. Larger segments take less memory for an entry.
   * Default 8,192.
   */
  readonly segmentSize?: number
  /** Called once when indexing does not go on, and again when it has gone on since and stops anew. Default: nobody is told. */
  readonly onProblem?: (reason: EventSystemError) => void
}
