import { randomUUID } from 'node:crypto'
import type { Collections, Document, Log, MessageId, Storage, Write } from '../../port.ts'
import { RATES, Tally } from '../../rates.ts'
import type { Connection } from '../connection.ts'
import { type LogKeys, lateKey, segmentKey } from '../keys.ts'
import { compareKnownIds, timeOfMessageId } from '../message-id.ts'
import { runScript } from '../scripts.ts'
import { LABELS, labelNumberIn, NAME, SEGMENTS, segmentIn, TAIL } from './documents.ts'
import { ALL_LABELS } from './late.ts'
import { commitUnderLease, INDEX, type IndexUnit } from './lease.ts'

/** The number of documents that one step drops, with the keys that belong to them. */
const STEP = 250

export interface BuilderParts {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly storage: { readonly log: Pick<Log, 'bounds'> } & Pick<Storage, 'cursors' | 'collections' | 'commit'>
}

/** Begins the index of a log, under one token of its lease. Its steps resolve to false when another holder has the lease. */
export class IndexBuilder {
  readonly #parts: BuilderParts
  readonly #token: number

  constructor(parts: BuilderParts, token: number) {
    this.#parts = parts
    this.#token = token
  }

  /**
   * Resolves to the position behind which indexing goes on, and to `undefined` when another holder has the lease. An index without a cursor or a
   * name is dropped, and an empty one begins in its place. So is an index that is ahead of its log, as after a restore from a backup. The name
   * is removed first: readers then find no index, and the next holder drops the rest after a crash.
   */
  async begin(): Promise<MessageId | undefined> {
    const position = await this.#position()
    if (position !== undefined) return position
    const isDropped =
      (await this.#forgetName()) &&
      (await this.#forgetRates()) &&
      (await this.#dropAll(SEGMENTS, (documents) => this.#segmentKeys(documents))) &&
      (await this.#dropAll(LABELS, (documents) => this.#lateKeys(documents))) &&
      (await this.#dropAll(TAIL, () => [lateKey(this.#parts.keys, ALL_LABELS)]))
    return isDropped && (await this.#start()) ? '0-0' : undefined
  }

  /** Whether the index is gone, or is ahead of its log: then it has to be built again. */
  async isLost(position: MessageId): Promise<boolean> {
    return (await this.#position()) !== position
  }

  async #position(): Promise<MessageId | undefined> {
    const { log, cursors, collections } = this.#parts.storage
    const [[position], [name], { last }] = await Promise.all([
      cursors.positions([INDEX]),
      collections.get(LABELS, [NAME]),
      log.bounds()
    ])
    if (position === undefined || name === undefined) return undefined
    return compareKnownIds(last ?? '0-0', position) < 0 ? undefined : position
  }

  /** The cursor goes back with it: nothing is indexed then. */
  async #forgetName(): Promise<boolean> {
    await this.#parts.storage.cursors.create(INDEX, 'start', { guards: false })
    return this.#commit({
      cursors: [{ name: INDEX, to: '0-0' }],
      write: [{ collection: LABELS, id: NAME, value: null }]
    })
  }

  /** Removes the counts from the hour of the first entry on: they are counted again. Earlier counts stay. */
  async #forgetRates(): Promise<boolean> {
    const { collections, log } = this.#parts.storage
    const { first } = await log.bounds()
    if (first === null) return true
    const begins = timeOfMessageId(first)
    const counted = new Tally(begins)
    counted.add('the first entry', begins)
    for (const id of counted.ids) {
      for (;;) {
        const documents = await documentsFrom(collections, id)
        if (documents.length === 0) break
        if (!(await this.#write(documents.map(({ id }) => ({ collection: RATES, id, value: null }))))) return false
      }
    }
    return true
  }

  /** The keys that belong to documents first, and then these. */
  async #dropAll(collection: string, keysOf: (documents: readonly Document[]) => string[]): Promise<boolean> {
    const { connection, keys, storage } = this.#parts
    for (;;) {
      const documents = await storage.collections.list(collection, { limit: STEP })
      const dropped = [keys.leases, ...keysOf(documents)]
      if ((await runScript<number>(connection, 'dropKeys', dropped, [INDEX, String(this.#token)])) !== 1) return false
      if (documents.length === 0) return true
      if (!(await this.#write(documents.map(({ id }) => ({ collection, id, value: null }))))) return false
    }
  }

  /** That of the one behind the last, too: a crash may have left it without a document. */
  #segmentKeys(documents: readonly Document[]): string[] {
    const numbers = documents.map((document) => segmentIn(document).number)
    return [...numbers, (numbers.at(-1) ?? 0) + 1].map((number) => segmentKey(this.#parts.keys, number))
  }

  #lateKeys(documents: readonly Document[]): string[] {
    return documents.map(({ id }) => lateKey(this.#parts.keys, labelNumberIn(id)))
  }

  #start(): Promise<boolean> {
    return this.#write([{ collection: LABELS, id: NAME, value: randomUUID() }])
  }

  #write(write: readonly Write[]): Promise<boolean> {
    return this.#commit({ write })
  }

  #commit(unit: IndexUnit): Promise<boolean> {
    return commitUnderLease(this.#parts.storage, this.#token, unit)
  }
}

/** Those of the same kind from this one on, a few. */
function documentsFrom(collections: Collections, id: string): Promise<Document[]> {
  const prefix = id.slice(0, id.indexOf(':') + 1)
  // Without its last character an id stands before it, and before no other.
  return collections.list(RATES, { prefix, after: id.slice(0, -1), limit: STEP })
}
