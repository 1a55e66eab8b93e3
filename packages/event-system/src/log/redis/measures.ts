import type { EntryPlace, LogBounds, LogInfo, MessageId } from '../port.ts'
import type { Connection, Reply } from './connection.ts'
import { type EntryReply, fieldsOf } from './entries.ts'
import { isReply } from './errors.ts'
import { groupKeys, type LogKeys } from './keys.ts'
import { timeOfMessageId } from './message-id.ts'

/** How much a log holds. */
export class Measures {
  readonly #connection: Connection
  readonly #keys: LogKeys

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
  }

  length(): Promise<number> {
    return this.#connection.read<number>(['XLEN', this.#keys.stream])
  }

  /** How many event ids deduplication remembers: of the window, and of at most one window before it. */
  async remembered(): Promise<number> {
    const sizes = await Promise.all(this.#keys.deduplication.map((key) => this.#connection.read<number>(['HLEN', key])))
    // Each hash has one field that is no event id.
    return sum(sizes.map((size) => Math.max(0, size - 1)))
  }

  /** What the events take, in bytes. */
  bytesOfEvents(): Promise<number> {
    return this.bytesOf([this.#keys.stream])
  }

  /** What all of it takes, in bytes, with what these groups keep, but for the indexes of stream keys: they are as many as the keys. */
  bytes(groups: readonly string[]): Promise<number> {
    const { stream, deduplication, versions, streams, leases, cursors } = this.#keys
    const ofGroups = groups.flatMap((name) => Object.values(groupKeys(this.#keys, name)))
    const ofLog = [stream, ...deduplication, versions, streams, leases, cursors]
    return this.bytesOf([...ofLog, ...ofGroups])
  }

  async ends(): Promise<Pick<LogInfo, 'first' | 'last'>> {
    const [first, last] = await Promise.all([
      this.#outermost(['XRANGE', '-', '+']),
      this.#outermost(['XREVRANGE', '+', '-'])
    ])
    return { first, last }
  }

  async bounds(): Promise<LogBounds> {
    const [{ first }, last] = await Promise.all([this.ends(), this.#lastIssued()])
    return { first: first?.messageId ?? null, last: last === '0-0' ? null : last }
  }

  async #outermost([command, from, to]: [string, string, string]): Promise<EntryPlace | null> {
    const [entry] = await this.#connection.read<EntryReply[]>([command, this.#keys.stream, from, to, 'COUNT', '1'])
    return entry === undefined ? null : { messageId: entry[0], appendedAt: timeOfMessageId(entry[0]) }
  }

  /** `0-0` when there is no stream. */
  async #lastIssued(): Promise<MessageId> {
    try {
      const reply = await this.#connection.read<Reply>(['XINFO', 'STREAM', this.#keys.stream])
      return fieldsOf(reply)['last-generated-id'] as MessageId
    } catch (error) {
      if (isReply(error, 'ERR no such key')) return '0-0'
      throw error
    }
  }

  async bytesOf(keys: readonly string[]): Promise<number> {
    return sum(await Promise.all(keys.map((key) => this.#connection.read<number | null>(['MEMORY', 'USAGE', key]))))
  }
}

function sum(numbers: readonly (number | null)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0)
}
