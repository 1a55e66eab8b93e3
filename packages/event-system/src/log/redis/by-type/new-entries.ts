import type { Delivery } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { type EntryReply, toDelivery } from '../entries.ts'
import { groupKeys } from '../keys.ts'
import { compareKnownIds } from '../message-id.ts'
import { runScript } from '../scripts.ts'
import { messageIdAt } from './ids.ts'
import type { Partition, Partitions } from './partitions.ts'

/** What was handed out of one stream. */
type Share = [stream: number, entries: EntryReply[], attachments: (string | null)[]]

/** Hands out new entries of a group from all partitions: see scripts/read-group-by-type-n.lua. */
export class NewEntries {
  readonly #connection: Connection
  readonly #partitions: Partitions
  readonly #group: string
  #turn = 0

  constructor(connection: Connection, partitions: Partitions, group: string) {
    this.#connection = connection
    this.#partitions = partitions
    this.#group = group
  }

  async read(consumer: string, limit: number): Promise<Delivery[]> {
    const { known } = this.#partitions
    const [found, partitions] = await Promise.all([this.#take(consumer, known, limit), this.#partitions.refresh()])
    if (found.length > 0 || partitions === known) return found
    return this.#take(consumer, partitions.slice(known.length), limit)
  }

  async #take(consumer: string, partitions: readonly Partition[], limit: number): Promise<Delivery[]> {
    if (partitions.length === 0) return []
    const inTurn = this.#inTurn(partitions)
    const keys = inTurn.flatMap((partition) => [
      partition.keys.stream,
      groupKeys(partition.keys, this.#group).attachments
    ])
    const args = [this.#group, consumer, String(limit)]
    const shares = await runScript<Share[]>(this.#connection, 'readGroupByType', keys, args)
    const taken = shares.flatMap(([stream, entries, texts]) => {
      const { number } = inTurn[stream] as Partition
      return entries.map(([id, fields], i) => ({ id, number, fields, text: texts[i] ?? null }))
    })
    taken.sort((a, b) => compareKnownIds(a.id, b.id))
    return taken.map(({ id, number, fields, text }) => ({
      ...toDelivery([id, fields, 1, text]),
      messageId: messageIdAt(number, id)
    }))
  }

  /** Another partition is the first each time. */
  #inTurn(partitions: readonly Partition[]): Partition[] {
    this.#turn += 1
    const first = this.#turn % partitions.length
    return [...partitions.slice(first), ...partitions.slice(0, first)]
  }
}
