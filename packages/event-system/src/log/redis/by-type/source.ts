import type { Entry } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { type EntryReply, toEntry } from '../entries.ts'
import { compareKnownIds } from '../message-id.ts'
import { messageIdAt } from './ids.ts'
import type { Partition } from './partitions.ts'

export type Direction = 'forward' | 'backward'

/** The entries of one partition, as they are read for a page of several. */
export class Source {
  readonly partition: Partition
  readonly #connection: Connection
  readonly #direction: Direction
  readonly #end: string
  #start: string
  #rows: EntryReply[] = []
  #at = 0
  #isAtEnd = false
  /** The ids of the first row that it had, of the first that was taken, and of the last. */
  head: string | undefined
  firstTaken: string | undefined
  lastTaken: string | undefined

  /** `start` and `end` as XRANGE takes them, or XREVRANGE when it is read backward. */
  constructor(connection: Connection, partition: Partition, direction: Direction, start: string, end: string) {
    this.#connection = connection
    this.partition = partition
    this.#direction = direction
    this.#start = start
    this.#end = end
  }

  /** The id of the next row; `undefined` when there is none, or none is known. */
  get next(): string | undefined {
    return this.#rows[this.#at]?.[0]
  }

  /** Whether there may be rows that are not known. */
  get isDry(): boolean {
    return this.#at === this.#rows.length && !this.#isAtEnd
  }

  async fill(count: number): Promise<void> {
    const command = this.#direction === 'forward' ? 'XRANGE' : 'XREVRANGE'
    const { stream } = this.partition.keys
    this.#rows = await this.#connection.read<EntryReply[]>([
      command,
      stream,
      this.#start,
      this.#end,
      'COUNT',
      `${count}`
    ])
    this.#at = 0
    this.#isAtEnd = this.#rows.length < count
    this.head ??= this.next
    const last = this.#rows.at(-1)
    if (last !== undefined) this.#start = `(${last[0]}`
  }

  take(): Entry {
    const row = this.#rows[this.#at] as EntryReply
    this.#at += 1
    this.firstTaken ??= row[0]
    this.lastTaken = row[0]
    return { ...toEntry(row), messageId: messageIdAt(this.partition.number, row[0]) }
  }
}

/** At most `limit` entries of the sources, in the order of their ids. */
export async function merge(sources: readonly Source[], direction: Direction, limit: number): Promise<Entry[]> {
  const entries: Entry[] = []
  const share = Math.ceil((2 * limit) / Math.max(1, sources.length))
  while (entries.length < limit) {
    const count = Math.min(limit - entries.length, Math.max(share, 8))
    await Promise.all(sources.filter(({ isDry }) => isDry).map((source) => source.fill(count)))
    let next = nextOf(sources, direction)
    if (next === undefined) break
    while (next !== undefined && entries.length < limit) {
      entries.push(next.take())
      if (next.isDry) break
      next = nextOf(sources, direction)
    }
  }
  return entries
}

/** Of those with a row, the one whose row comes next. */
function nextOf(sources: readonly Source[], direction: Direction): Source | undefined {
  let found: Source | undefined
  for (const source of sources) {
    if (source.next === undefined) continue
    if (found === undefined || isBefore(source.next, found.next as string, direction)) found = source
  }
  return found
}

function isBefore(a: string, b: string, direction: Direction): boolean {
  const order = compareKnownIds(a, b)
  return direction === 'forward' ? order < 0 : order > 0
}
