import type { LogInfo, MessageId } from '../port.ts'
import type { Connection } from './connection.ts'
import type { EntryReply } from './entries.ts'
import { groupKeys, type LogKeys } from './keys.ts'
import { greatestOf, leastOf } from './message-id.ts'
import type { Partitions } from './partitions.ts'

/** How much a log holds, in all its streams. */
export class Measures {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions

  constructor(connection: Connection, keys: LogKeys, partitions: Partitions) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
  }

  async length(): Promise<number> {
    return sum(await this.#ofEachStream((stream) => this.#connection.read<number>(['XLEN', stream])))
  }

  /** How many event ids deduplication remembers: of the window, and of at most one window before it. */
  async remembered(): Promise<number> {
    const sizes = await Promise.all(this.#keys.deduplication.map((key) => this.#connection.read<number>(['HLEN', key])))
    // Each hash has one field that is no event id.
    return sum(sizes.map((size) => Math.max(0, size - 1)))
  }

  /** What the events take, in bytes. */
  bytesOfEvents(): Promise<number> {
    return this.#bytesOf(this.#partitions.streams)
  }

  /** What all of it takes, in bytes, with what these groups keep. */
  bytes(groups: readonly string[]): Promise<number> {
    const { deduplication, versions, deadLetters, actions, rewrittenLetters, rewrittenActions, partitions, bell } =
      this.#keys
    const ofGroups = groups.flatMap((name) => Object.values(groupKeys(this.#keys, name)).flat())
    return this.#bytesOf([
      ...this.#partitions.streams,
      ...deduplication,
      versions,
      deadLetters,
      actions,
      rewrittenLetters,
      rewrittenActions,
      partitions,
      bell,
      ...ofGroups
    ])
  }

  async ends(): Promise<Pick<LogInfo, 'firstId' | 'lastId'>> {
    const [firsts, lasts] = await Promise.all([
      this.#outermost(['XRANGE', '-', '+']),
      this.#outermost(['XREVRANGE', '+', '-'])
    ])
    const [first, last] = [present(firsts), present(lasts)]
    return {
      firstId: first.length === 0 ? null : leastOf(first),
      lastId: last.length === 0 ? null : greatestOf(last)
    }
  }

  /** The id of the outermost entry of each stream; `undefined` of one that is empty. */
  #outermost([command, from, to]: [string, string, string]): Promise<(MessageId | undefined)[]> {
    return this.#ofEachStream(async (stream) => {
      const [entry] = await this.#connection.read<EntryReply[]>([command, stream, from, to, 'COUNT', '1'])
      return entry?.[0]
    })
  }

  #ofEachStream<Answer>(ask: (stream: string) => Promise<Answer>): Promise<Answer[]> {
    return Promise.all(this.#partitions.streams.map(ask))
  }

  async #bytesOf(keys: readonly string[]): Promise<number> {
    return sum(await Promise.all(keys.map((key) => this.#connection.read<number | null>(['MEMORY', 'USAGE', key]))))
  }
}

function present(ids: readonly (MessageId | undefined)[]): MessageId[] {
  return ids.filter((id) => id !== undefined)
}

function sum(numbers: readonly (number | null)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0)
}
