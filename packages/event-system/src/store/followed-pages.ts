import { type Answer, isRetryable, type StoredEvent } from '@tradpal/events'
import { type EventCodec, prepareReading } from '../codec/index.ts'
import { type Checkpoint, type Log, type Page, positionsIn } from '../log/index.ts'
import type { EventPage } from './event-page.ts'
import type { ResolvedRange } from './event-query.ts'
import type { LogScan } from './log-scan.ts'

/** What was found, and up to where the log was read. */
export interface FollowedPage<E = StoredEvent> extends EventPage<E> {
  /** When the log took each of them, ms since the epoch, in the same order. */
  readonly appendedAt: readonly number[]
  /** The position behind each of them, in the same order. */
  readonly positions: readonly Checkpoint[]
}

interface Parts {
  readonly log: Pick<Log, 'advance'>
  readonly codec: EventCodec
  readonly scan: LogScan
}

/** The matching events of each page of a tail. */
export async function* followedPages<T extends string, Raw extends boolean>(
  pages: AsyncIterable<Page>,
  range: ResolvedRange,
  parts: Parts
): AsyncGenerator<FollowedPage<Answer<T, Raw>>, void> {
  const { codec, scan } = parts
  // While the log is away nobody knows: it is asked again with the first page.
  let isTold = await scan.tellGap(range).then(
    () => true,
    (error) => {
      if (isRetryable(error)) return false
      throw error
    }
  )
  for await (const page of pages) {
    if (!isTold) await scan.tellGap(range)
    isTold = true
    await prepareReading(codec, page.entries)
    yield followedPage<T, Raw>(page, range, parts)
  }
}

function followedPage<T extends string, Raw extends boolean>(
  page: Page,
  range: ResolvedRange,
  { log, scan }: Parts
): FollowedPage<Answer<T, Raw>> {
  const places = positionsIn(log, page)
  const [events, appendedAt, positions]: [Answer<T, Raw>[], number[], Checkpoint[]] = [[], [], []]
  for (const [i, entry] of page.entries.entries()) {
    const event = scan.match<T, Raw>(entry, range)
    if (event === undefined) continue
    events.push(event)
    appendedAt.push(entry.appendedAt)
    positions.push(places[i] as Checkpoint)
  }
  return { events, appendedAt, positions, position: page.position }
}
