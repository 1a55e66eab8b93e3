import type { MessageId } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { type EntryReply, fieldsOf } from '../entries.ts'
import { type LogKeys, partitionKeys } from '../keys.ts'

/** One stream of a log. */
export interface Partition {
  readonly number: number
  readonly keys: LogKeys
  /** Of a partition with one type. */
  readonly type: string
  /** The id of the first entry that it ever had. `undefined` for partition 0, where that is not known. */
  readonly first: MessageId | undefined
}

/** The partitions of a log with a stream for each event type: as many as are known by now. See scripts/include/stream-by-type.lua. */
export class Partitions {
  readonly #connection: Connection
  readonly #keys: LogKeys
  #known: Partition[]
  #numbers = new Map<string, number>()

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
    this.#known = [{ number: 0, keys, type: '', first: undefined }]
  }

  /** In the order of their numbers, that of the plain stream first. */
  get known(): readonly Partition[] {
    return this.#known
  }

  /** The last of the known types; `undefined` without one. */
  get last(): Partition | undefined {
    return this.#known.length > 1 ? this.#known.at(-1) : undefined
  }

  /** Of an event type; 0 when it is not known. */
  numberOf(type: string): number {
    return this.#numbers.get(type) ?? 0
  }

  /** Learns of the types that others have begun, and of a list that was lost: it has another type, or another first entry, under the last number. */
  async refresh(): Promise<readonly Partition[]> {
    const { last } = this
    const rows = await this.#rows(`${last?.number ?? 0}-0`)
    if (last === undefined) return this.#learn(rows)
    const told = rows[0] === undefined ? undefined : this.#partitionOf(rows[0])
    if (told?.number === last.number && told.type === last.type && told.first === last.first) return this.#learn(rows)
    const all = await this.#rows('-')
    this.#known = this.#known.slice(0, 1)
    this.#numbers = new Map()
    return this.#learn(all)
  }

  #rows(from: string): Promise<EntryReply[]> {
    return this.#connection.read<EntryReply[]>(['XRANGE', this.#keys.types, from, '+'])
  }

  #learn(rows: readonly EntryReply[]): readonly Partition[] {
    for (const partition of rows.map((row) => this.#partitionOf(row))) {
      const { number, type } = partition
      // What two calls learn at the same time is the same.
      if (number !== this.#known.length) continue
      this.#known = [...this.#known, partition]
      this.#numbers.set(type, number)
    }
    return this.#known
  }

  #partitionOf([id, reply]: EntryReply): Partition {
    const number = Number.parseInt(id, 10)
    const { type, first } = fieldsOf(reply) as { type: string; first: MessageId }
    return { number, keys: partitionKeys(this.#keys, number, type), type, first }
  }
}
