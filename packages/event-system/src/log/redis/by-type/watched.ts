import type { Connection } from '../connection.ts'
import type { Newest, Watched } from '../doorbell.ts'
import type { LogKeys } from '../keys.ts'
import { endsOf } from './ends.ts'
import type { Partition, Partitions } from './partitions.ts'

/** The streams of all types that are known, and the list of types, in which a new one appears. */
export class WatchedTypes implements Watched {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions

  constructor(connection: Connection, keys: LogKeys, partitions: Partitions) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
  }

  get streams(): readonly string[] {
    return inOrder(
      this.#partitions.known.map(({ keys }) => keys.stream),
      this.#keys.types
    )
  }

  /** One command, which goes out with the call: a type that is new then rings by the list. */
  async newest(): Promise<Newest> {
    const known: readonly Partition[] = this.#partitions.known
    const ends = await endsOf(this.#connection, known)
    const lastType = `${known.length - 1}-0`
    return inOrder(
      ends.map(({ lastGiven }) => lastGiven),
      lastType
    )
  }
}

/** The list of types stands second: behind it there may come more streams. */
function inOrder([plain = '', ...types]: readonly string[], list: string): string[] {
  return [plain, list, ...types]
}
