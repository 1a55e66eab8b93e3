import type { Checkpoint, Entry, MessageId, Page, Position, ReadRange } from '../../port.ts'
import { mustBeLogTime } from '../arguments.ts'
import type { Connection } from '../connection.ts'
import { type EntryReply, toEntry } from '../entries.ts'
import type { LogKeys } from '../keys.ts'
import { compareKnownIds, deliveredUpTo, justBefore, rangeEnd } from '../message-id.ts'
import { endsOf, type PartitionEnds } from './ends.ts'
import { checkpointOf, messageIdAt, NOTHING, placeOf, type Vector, vectorOf } from './ids.ts'
import type { Partition, Partitions } from './partitions.ts'
import { merge, Source } from './source.ts'

type Range = Omit<ReadRange, 'limit' | 'direction' | 'time'>

/** The bounds of a read in each partition. */
interface Bounds {
  /** Behind which ids entries are wanted. */
  readonly after: Vector
  /** The same as a position: no place in it is ahead of its partition. */
  readonly behind: Vector
  /** Of partitions of which nothing is passed, where they are read to their ends, and of those that are not read. */
  readonly ends: ReadonlyMap<Partition, PartitionEnds>
  /** The partitions of other types than the read asks for. The plain stream may have any type: it is always read. */
  readonly unread: readonly Partition[]
}

/** Reads the streams of all types as one log, in the order of ids. */
export class MergedReader {
  readonly #connection: Connection
  readonly #lastId: string
  readonly #partitions: Partitions

  constructor(connection: Connection, { lastId }: LogKeys, partitions: Partitions) {
    this.#connection = connection
    this.#lastId = lastId
    this.#partitions = partitions
  }

  async get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    const places = messageIds.map(placeOf)
    const { known } = this.#partitions
    const partitions = places.some(({ partition }) => partition >= known.length)
      ? await this.#partitions.refresh()
      : known
    return Promise.all(places.map(({ partition, id }) => this.#entryAt(partitions[partition], id)))
  }

  async #entryAt(partition: Partition | undefined, id: string): Promise<Entry | undefined> {
    if (partition === undefined) return undefined
    const rows = await this.#connection.read<EntryReply[]>(['XRANGE', partition.keys.stream, id, id, 'COUNT', '1'])
    return rows[0] && { ...toEntry(rows[0]), messageId: messageIdAt(partition.number, id) }
  }

  /** A position as a checkpoint, decided now. No place in it is ahead of its partition, unless it was given so. */
  async checkpointAt(from: Position): Promise<Checkpoint> {
    if (from === 'end') return checkpointOf(await this.#end())
    return checkpointOf(await this.vectorAt(from, await this.#partitions.refresh()))
  }

  /**
   * Decided by what goes out with the call. Of a type that was not known then, the last id of all types says it: what is appended later has a
   * later one.
   */
  async #end(): Promise<Vector> {
    const { known } = this.#partitions
    const [ends, lastId] = await Promise.all([
      endsOf(this.#connection, known),
      this.#connection.read<string | null>(['HGET', this.#lastId, 'id'])
    ])
    const others = (await this.#partitions.refresh()).slice(known.length)
    const later = await endsOf(this.#connection, others)
    const lasts = ends.map(({ lastGiven }) => lastGiven)
    return [...lasts, ...later.map(({ lastGiven }) => earlierOf(lastGiven, lastId ?? NOTHING))]
  }

  async vectorAt(from: Position, partitions: readonly Partition[]): Promise<Vector> {
    if (from === 'start') return partitions.map(() => NOTHING)
    if (from !== 'end' && 'after' in from) return vectorOf(from.after)
    if (from === 'end') return this.#end()
    const ends = await endsOf(this.#connection, partitions)
    const place = deliveredUpTo(from)
    return ends.map(({ lastGiven }) => earlierOf(place, lastGiven))
  }

  async read({ direction = 'forward', limit, time, ...range }: ReadRange): Promise<Page> {
    mustBeLogTime(time)
    // A wrong range is refused before anything is read.
    if (range.from !== undefined && range.from !== 'start' && range.from !== 'end' && 'after' in range.from) {
      vectorOf(range.from.after)
    }
    const upTo = lastPlaces(range.to)
    const partitions = await this.#partitions.refresh()
    const bounds = await this.#bounds(range, partitions)
    if (range.from === 'end' || upTo === undefined) return emptyPage(bounds)
    const read = partitions.filter((partition) => !bounds.unread.includes(partition))
    const sources = read.map((partition) => {
      const [first, last] = [`(${bounds.after[partition.number] ?? NOTHING}`, upTo(partition.number)]
      const [start, end] = direction === 'forward' ? [first, last] : [last, first]
      return new Source(this.#connection, partition, direction, start, end)
    })
    const entries = await merge(sources, direction, limit)
    return direction === 'forward'
      ? forwardPage(entries, sources, bounds)
      : backwardPage(entries, sources, bounds, endPlaceOf(range.to))
  }

  /** Asked for before the entries: what stands up to an end that was told then, and is not found, was trimmed. */
  async #bounds({ from = 'start', to, eventTypes }: Range, partitions: readonly Partition[]): Promise<Bounds> {
    const behind = await this.vectorAt(from, partitions)
    const isTime = typeof from === 'object' && 'time' in from
    const place = isTime ? deliveredUpTo(from) : NOTHING
    const after = isTime ? partitions.map(() => place) : behind
    const unread = partitions.filter(({ number, type }) => number > 0 && eventTypes?.includes(type) === false)
    const isOpen = ({ number }: Partition) => to === undefined && (behind[number] ?? NOTHING) === NOTHING
    const open = partitions.filter((partition) => unread.includes(partition) || isOpen(partition))
    const ends = await endsOf(this.#connection, open)
    return { after, behind, unread, ends: new Map(open.map((partition, i) => [partition, ends[i] as PartitionEnds])) }
  }
}

function earlierOf(a: string, b: string): string {
  return compareKnownIds(a, b) < 0 ? a : b
}

/** The end of XRANGE in each partition. `undefined` when that is before everything. */
function lastPlaces(to: ReadRange['to']): ((partition: number) => string) | undefined {
  if (to === undefined || 'time' in to) {
    const end = rangeEnd(to)
    return end === undefined ? undefined : () => end
  }
  const vector = vectorOf(to.checkpoint)
  return (partition) => vector[partition] ?? NOTHING
}

/** The last place in each partition that is wanted. `undefined`: its end. */
function endPlaceOf(to: ReadRange['to']): (partition: number) => string | undefined {
  if (to === undefined) return () => undefined
  if ('time' in to) return () => deliveredUpTo({ time: Math.floor(to.time) + 1 })
  const vector = vectorOf(to.checkpoint)
  return (partition) => vector[partition] ?? NOTHING
}

function emptyPage({ behind }: Bounds): Page {
  const position = checkpointOf(behind)
  return { entries: [], from: position, position }
}

function forwardPage(entries: readonly Entry[], sources: readonly Source[], bounds: Bounds): Page {
  const from = [...bounds.behind]
  for (const { partition, head } of sources) from[partition.number] = begunBehind(partition, head, bounds)
  for (const partition of bounds.unread) {
    from[partition.number] = begunBehind(partition, bounds.ends.get(partition)?.first, bounds)
  }
  const position = [...from]
  for (const { partition, lastTaken } of sources) {
    if (lastTaken !== undefined) position[partition.number] = lastTaken
  }
  return { entries, from: checkpointOf(from), position: checkpointOf(position) }
}

/**
 * Behind which place a partition is read on. Where nothing of it was passed, and its first entries were trimmed, those are passed too: else the
 * next reader would be told of a gap.
 */
function begunBehind(partition: Partition, head: string | undefined, { behind, ends }: Bounds): string {
  const place = behind[partition.number] ?? NOTHING
  if (place !== NOTHING) return place
  if (head === undefined) return ends.get(partition)?.lastGiven ?? NOTHING
  return head === partition.first ? NOTHING : justBefore(head)
}

function backwardPage(
  entries: readonly Entry[],
  sources: readonly Source[],
  bounds: Bounds,
  endPlace: (partition: number) => string | undefined
): Page {
  const [from, position] = [[...bounds.behind], [...bounds.behind]]
  for (const partition of bounds.unread) {
    const { number } = partition
    const end = bounds.ends.get(partition)?.lastGiven ?? NOTHING
    from[number] = earlierOf(endPlace(number) ?? end, end)
    position[number] = from[number]
  }
  for (const { partition, head, lastTaken, next } of sources) {
    const { number } = partition
    from[number] = head ?? begunBehind(partition, undefined, bounds)
    if (next !== undefined) position[number] = next
    else if (lastTaken !== undefined) position[number] = justBefore(lastTaken)
  }
  return { entries, from: checkpointOf(from), position: checkpointOf(position) }
}
