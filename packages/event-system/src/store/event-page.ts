import type { Answer, StoredEvent } from '@tradpal/events'
import { type Checkpoint, type Entry, type Log, type Page, positionsIn } from '../log/index.ts'
import type { ResolvedRange } from './event-query.ts'
import type { LogScan } from './log-scan.ts'

const LARGEST_PAGE = 1_000
const SMALLEST_PAGE = 100

/** The events of a query, and the position from which the next query continues. */
export interface EventPage<E = StoredEvent> {
  /** In log order, or with the time `event` in the order of event times; oldest first. */
  readonly events: readonly E[]
  /** Behind the events: the `after` of the next query with the same `time`. In a log with a total order any message id is a position in log order. */
  readonly position: Checkpoint
  /** The log took no such event in the range of times, and has some that happened in it: ask with `time: 'event'`. Told where the log has an index. */
  readonly happenedThen?: true
}

/** How far a query has come. */
interface Progress<E> {
  readonly events: E[]
  firstPage?: Page
  lastPage?: Page
  lastEntry?: Entry
}

/** The first `limit` events of a range, or the newest of one without a start. */
export async function eventPage<T extends string, Raw extends boolean>(
  log: Log,
  scan: LogScan,
  range: ResolvedRange,
  limit: number
): Promise<EventPage<Answer<T, Raw>>> {
  const direction = range.from === 'start' ? 'backward' : 'forward'
  const progress: Progress<Answer<T, Raw>> = { events: [] }
  // Behind a time that is later than all that there is, the next query would be told that it is ahead of the log.
  const isSince = range.time === 'log' && typeof range.from === 'object' && 'time' in range.from
  const end = isSince ? await endOf(log, range.to) : undefined
  const how = {
    direction,
    limit: Math.min(LARGEST_PAGE, Math.max(limit, SMALLEST_PAGE)),
    onPage: (page: Page) => Object.assign(progress, { firstPage: progress.firstPage ?? page, lastPage: page })
  } as const
  const withEntry = (event: Answer<T, Raw>, entry: Entry) => ({ event, entry })
  for await (const { event, entry } of scan.run(range, how, withEntry)) {
    progress.events.push(event)
    progress.lastEntry = entry
    if (progress.events.length === limit) break
  }
  if (direction === 'backward') return newestPage(progress)
  const isEmpty = progress.firstPage?.entries.length === 0
  return isEmpty && end !== undefined ? { events: [], position: end } : firstPage(log, progress, limit)
}

/** Whether events that match happened in the times of a range in log order. False where the index of the log cannot tell. */
export async function haveHappened(scan: LogScan, range: ResolvedRange): Promise<boolean> {
  const isOfTimes = range.gapBehind === undefined && (range.from !== 'start' || range.to !== undefined)
  return range.time === 'log' && isOfTimes && scan.isIndexed({ ...range, time: 'event' })
}

/** How far a range goes that was read to its end, in what the log has by now. */
async function endOf(log: Log, to: ResolvedRange['to']): Promise<Checkpoint> {
  if (to === undefined) return (await log.read({ from: 'end', limit: 1 })).position
  return (await log.read({ direction: 'backward', to, limit: 1 })).from
}

function newestPage<E>({ events, firstPage }: Progress<E>): EventPage<E> {
  return { events: events.reverse(), position: (firstPage as Page).from }
}

function firstPage<E>(log: Log, { events, lastPage, lastEntry }: Progress<E>, limit: number): EventPage<E> {
  const page = lastPage as Page
  if (lastEntry === undefined || events.length < limit) return { events, position: page.position }
  return { events, position: positionsIn(log, page)[page.entries.indexOf(lastEntry)] as Checkpoint }
}
