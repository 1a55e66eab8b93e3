import type { EntryPlace, LogBounds, LogInfo } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { groupKeys, type LogKeys } from '../keys.ts'
import { Measures } from '../measures.ts'
import { compareKnownIds, justBefore, timeOfMessageId } from '../message-id.ts'
import { endsOf, type PartitionEnds } from './ends.ts'
import { checkpointOf, messageIdAt, NOTHING } from './ids.ts'
import type { Partitions } from './partitions.ts'

/** How much a log with a stream for each event type holds. */
export class MeasuresByType {
  readonly #connection: Connection
  readonly #partitions: Partitions
  /** Of what stands beside the streams of types. */
  readonly #plain: Measures

  constructor(connection: Connection, keys: LogKeys, partitions: Partitions) {
    this.#connection = connection
    this.#partitions = partitions
    this.#plain = new Measures(connection, keys)
  }

  async length(): Promise<number> {
    const ends = await this.#ends()
    return ends.reduce((sum, { length }) => sum + length, 0)
  }

  remembered(): Promise<number> {
    return this.#plain.remembered()
  }

  async bytesOfEvents(): Promise<number> {
    const [plain, ofTypes] = await Promise.all([this.#plain.bytesOfEvents(), this.#bytesOfTypes(() => [])])
    return plain + ofTypes
  }

  async bytes(groups: readonly string[]): Promise<number> {
    const keysOf = (keys: LogKeys) => groups.flatMap((name) => Object.values(groupKeys(keys, name)))
    const [plain, ofTypes] = await Promise.all([this.#plain.bytes(groups), this.#bytesOfTypes(keysOf)])
    return plain + ofTypes
  }

  async #bytesOfTypes(keysOf: (keys: LogKeys) => readonly string[]): Promise<number> {
    const [, ...types] = await this.#partitions.refresh()
    return this.#plain.bytesOf(types.flatMap(({ keys }) => [keys.stream, ...keysOf(keys)]))
  }

  async ends(): Promise<Pick<LogInfo, 'first' | 'last'>> {
    let first: EntryPlace | null = null
    let last: EntryPlace | null = null
    for (const [number, ends] of (await this.#ends()).entries()) {
      if (ends.first === undefined || ends.last === undefined) continue
      if (first === null || compareKnownIds(ends.first, idOf(first)) < 0) first = placeAt(number, ends.first)
      if (last === null || compareKnownIds(ends.last, idOf(last)) >= 0) last = placeAt(number, ends.last)
    }
    return { first, last }
  }

  /** A reader misses nothing of a partition that has lost nothing, nor when it comes to the first entry next. */
  async bounds(): Promise<LogBounds> {
    const ends = await this.#ends()
    const last = ends.map(({ lastGiven }) => lastGiven)
    const begin = ends.map(beginOf)
    const isEmpty = ends.every(({ first }) => first === undefined)
    return {
      first: isEmpty ? null : checkpointOf(begin),
      last: last.every((id) => id === NOTHING) ? null : checkpointOf(last)
    }
  }

  async #ends() {
    return endsOf(this.#connection, await this.#partitions.refresh())
  }
}

function placeAt(partition: number, id: string): EntryPlace {
  return { messageId: messageIdAt(partition, id), appendedAt: timeOfMessageId(id) }
}

function idOf({ messageId }: EntryPlace): string {
  return messageId.split('.')[0] as string
}

function beginOf({ hasLost, first, lastGiven }: PartitionEnds): string {
  if (!hasLost) return NOTHING
  return first === undefined ? lastGiven : justBefore(first)
}
