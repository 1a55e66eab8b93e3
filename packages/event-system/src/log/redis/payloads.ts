import { EventSystemError } from '@tradpal/events'
import type { AppendEntry, Entry, MessageId } from '../port.ts'
import type { ClusterNodes } from './cluster-nodes.ts'
import type { EntryReply } from './entries.ts'
import { type LogKeys, payloadKey } from './keys.ts'
import { timeOfMessageId } from './message-id.ts'
import type { Partitions } from './partitions.ts'

/** The field of an entry whose payload stands elsewhere: the number of the stream of payloads, and the id there. */
export const PLACE_FIELD = 'at'
/** What no entry refers to is removed when it is older by so long than the oldest entry that is left, in ms: who appends writes the payload first. */
const MARGIN_MS = 600_000

/** Where a payload is, as its entry says. */
type Place = string

/**
 * Payloads that stand apart from their entries, in streams that may be on any node of a cluster: some for each type. A
 * payload is written before its entry, and read after it. One that got no entry, since its append failed or was a
 * duplicate, is removed with those of its age.
 */
export class Payloads {
  readonly #nodes: ClusterNodes
  readonly #keys: LogKeys
  readonly #partitions: Partitions
  readonly #shards: number
  #turn = 0

  /** `shards`: into how many streams the payloads of a type are written. */
  constructor(nodes: ClusterNodes, keys: LogKeys, partitions: Partitions, shards: number) {
    this.#nodes = nodes
    this.#keys = keys
    this.#partitions = partitions
    this.#shards = shards
  }

  /** Resolves to the place of each. When it rejects, with `log_unavailable` mostly, nothing was appended. */
  async write(entries: readonly AppendEntry[], timeoutMs?: number): Promise<Place[]> {
    const writes = await Promise.allSettled(entries.map((entry) => this.#writeOne(entry, timeoutMs)))
    return writes.map((write) => {
      if (write.status === 'fulfilled') return write.value
      const { reason } = write
      if (!(reason instanceof EventSystemError) || reason.code !== 'log_timeout') throw reason
      const message = `A payload could not be written, and nothing was appended: ${reason.message}`
      throw new EventSystemError('log_unavailable', message, { cause: reason })
    })
  }

  async #writeOne({ eventType, payload }: AppendEntry, timeoutMs: number | undefined): Promise<Place> {
    const shard = this.#turn++ % this.#shards
    const key = payloadKey(this.#keys, eventType, shard)
    const id = await this.#nodes.send<string>(key, ['XADD', key, '*', 'event', payload], 'durable', timeoutMs)
    return `${shard} ${id}`
  }

  /** Puts the payloads into entries that say where theirs is. One that is not there any more stays as it is: poison. */
  fill<Some extends Entry>(entries: readonly Some[]): Promise<Some[]> | Some[] {
    if (!entries.some(isElsewhere)) return [...entries]
    return Promise.all(entries.map((entry) => (isElsewhere(entry) ? this.#fillOne(entry) : entry)))
  }

  async #fillOne<Some extends Entry>(entry: Some): Promise<Some> {
    const [shard = '', id = ''] = (entry.raw?.[PLACE_FIELD] ?? '').split(' ')
    const type = this.#partitions.typeOf(entry.messageId)
    if (type === undefined) return entry
    const key = payloadKey(this.#keys, type, Number(shard))
    const [found] = await this.#nodes.send<EntryReply[]>(key, ['XRANGE', key, id, id], 'read')
    if (found === undefined) return entry
    const { raw, ...rest } = entry
    return { ...rest, payload: found[1][1] as string } as unknown as Some
  }

  /** Removes payloads that no entry refers to. `oldest`: of each partition the id of its oldest entry, none when it is empty. */
  async sweep(oldest: ReadonlyMap<string, MessageId | undefined>): Promise<void> {
    const sweeps = [...oldest].flatMap(([type, id]) => {
      const least = Math.max(0, (id === undefined ? Date.now() : timeOfMessageId(id)) - MARGIN_MS)
      return this.#keysOf(type).map((key) => this.#nodes.send(key, ['XTRIM', key, 'MINID', `${least}-0`], 'write'))
    })
    await Promise.all(sweeps)
  }

  /** What those of some types take, in bytes, and how many there are. */
  async size(types: Iterable<string>): Promise<{ bytes: number; count: number }> {
    const keys = [...types].flatMap((type) => this.#keysOf(type))
    const sizes = await Promise.all(
      keys.map(async (key) => ({
        bytes: (await this.#nodes.send<number | null>(key, ['MEMORY', 'USAGE', key], 'read')) ?? 0,
        count: await this.#nodes.send<number>(key, ['XLEN', key], 'read')
      }))
    )
    return sizes.reduce((sum, { bytes, count }) => ({ bytes: sum.bytes + bytes, count: sum.count + count }), {
      bytes: 0,
      count: 0
    })
  }

  close(): void {
    this.#nodes.close()
  }

  #keysOf(type: string): string[] {
    return Array.from({ length: this.#shards }, (_, shard) => payloadKey(this.#keys, type, shard))
  }
}

function isElsewhere(entry: Entry): boolean {
  return entry.payload === null && entry.raw?.[PLACE_FIELD] !== undefined
}
