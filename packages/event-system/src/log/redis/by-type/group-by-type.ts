import { EventSystemError } from '@tradpal/events'
import type {
  Delivery,
  GroupInfo,
  Hold,
  MessageId,
  PendingEntry,
  PendingRange,
  Position,
  WorkQueue
} from '../../port.ts'
import { durationText, mustBeLimit, mustBeName } from '../arguments.ts'
import type { Connection } from '../connection.ts'
import type { Doorbell } from '../doorbell.ts'
import { type DeliveryReply, toDelivery } from '../entries.ts'
import { mustBeConsumer, NOBODY, WAITING } from '../holders.ts'
import { acknowledgeIn, inSteps } from '../holds.ts'
import { groupKeys } from '../keys.ts'
import { compareKnownIds, deliveredUpTo } from '../message-id.ts'
import { type GroupOfStream, pendingOf, pendingPage } from '../pending.ts'
import { readOrWait } from '../read-or-wait.ts'
import { RedisGroup } from '../redis-group.ts'
import { runScript } from '../scripts.ts'
import { groupInfosIn } from './group-info.ts'
import { messageIdAt, NOTHING, placeOf, vectorOf } from './ids.ts'
import { NewEntries } from './new-entries.ts'
import type { Partition, Partitions } from './partitions.ts'

export interface GroupByTypeContext {
  readonly connection: Connection
  readonly doorbell: Doorbell
  readonly partitions: Partitions
}

/** Holds in one stream, with the ids that the entries have there. */
interface Share {
  readonly partition: Partition
  readonly holds: readonly Hold[]
}

/**
 * A consumer group of a log with a stream for each event type: a consumer group of Redis in every stream. All are made and dropped in one step, and a
 * new type gets them with its first event. Partition 0 says whether there is the group. One that was made there by others is made in the other streams
 * when something of it is wanted.
 */
export class GroupByType implements WorkQueue {
  readonly name: string
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #partitions: Partitions
  readonly #newEntries: NewEntries
  readonly #groups = new Map<Partition, RedisGroup>()
  /** Consumers that the group knows of: Redis itself makes one only when it gets its first entry. */
  readonly #members = new Set<string>()

  constructor(name: string, { connection, doorbell, partitions }: GroupByTypeContext) {
    mustBeName('group', name)
    this.name = name
    this.#connection = connection
    this.#doorbell = doorbell
    this.#partitions = partitions
    this.#newEntries = new NewEntries(connection, partitions, name)
  }

  async create(at: Position): Promise<boolean> {
    const places = placesAt(at)
    const partitions = await this.#partitions.refresh()
    const args = [this.name, ...partitions.map(({ number }) => places(number))]
    return (await runScript<number>(this.#connection, 'createGroupByType', this.#allKeys(partitions), args)) === 1
  }

  async destroy(): Promise<boolean> {
    this.#members.clear()
    let partitions = await this.#partitions.refresh()
    for (let wasThere = false; ; ) {
      const reply = await runScript<number>(this.#connection, 'destroyGroupByType', this.#allKeys(partitions), [
        this.name
      ])
      wasThere ||= reply === 1
      const then = await this.#partitions.refresh()
      // A type that was begun meanwhile had got the group.
      if (then.length === partitions.length) return wasThere
      partitions = then
    }
  }

  #allKeys(partitions: readonly Partition[]): string[] {
    return partitions.flatMap(({ keys }) => {
      const { attachments, delayed } = groupKeys(keys, this.name)
      return [keys.stream, attachments, delayed]
    })
  }

  async read(
    consumer: string,
    { limit, waitMs, signal }: { limit: number; waitMs: number; signal?: AbortSignal }
  ): Promise<Delivery[]> {
    mustBeLimit(limit)
    mustBeConsumer(consumer)
    if (signal?.aborted) return []
    await this.#join(consumer)
    const readNew = () => this.#joined(() => this.#newEntries.read(consumer, limit))
    return readOrWait(this.#doorbell, readNew, { waitMs, signal })
  }

  async #join(consumer: string): Promise<void> {
    if (this.#members.has(consumer)) return
    const { stream } = (this.#partitions.known[0] as Partition).keys
    await this.#connection.write(['XGROUP', 'CREATECONSUMER', stream, this.name, consumer])
    this.#members.add(consumer)
  }

  async acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    const who = { group: this.name, consumer }
    const acknowledge = (shares: readonly Share[]) => {
      const streams = shares.map(({ partition, holds: ofIt }) => ({ place: this.#groupOf(partition), holds: ofIt }))
      return this.#joined(() => acknowledgeIn(this.#connection, who, streams))
    }
    return inSteps(holds, (some) => this.#settle(some, acknowledge))
  }

  async extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    return this.#settle(holds, (shares) => this.#inEach(shares, (group, ofIt) => group.extend(consumer, ofIt)))
  }

  async release(consumer: string, holds: readonly Hold[], options: { delayMs?: number } = {}): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    durationText('delayMs', options.delayMs ?? 0)
    return this.#settle(holds, (shares) =>
      this.#inEach(shares, (group, ofIt) => group.release(consumer, ofIt, options))
    )
  }

  /** Resolves to the ids of those that are lost. So is what stands in a stream that the log does not have. */
  async #settle(
    holds: readonly Hold[],
    settle: (shares: readonly Share[]) => Promise<MessageId[][]>
  ): Promise<MessageId[]> {
    const byPartition = new Map<number, Hold[]>()
    for (const { messageId, attempt } of holds) {
      const { partition, id } = placeOf(messageId)
      const ofIt = byPartition.get(partition) ?? []
      byPartition.set(partition, ofIt)
      ofIt.push({ messageId: id, attempt })
    }
    await this.#know(Math.max(0, ...byPartition.keys()))
    const { known } = this.#partitions
    const shares = known.flatMap((partition) => {
      const ofIt = byPartition.get(partition.number)
      return ofIt === undefined ? [] : [{ partition, holds: ofIt }]
    })
    const lostOfEach = shares.length === 0 ? [] : await settle(shares)
    const lost = new Set(shares.flatMap(({ partition }, i) => messageIdsAt(partition.number, lostOfEach[i] ?? [])))
    for (const [number, ofIt] of byPartition) {
      if (number >= known.length) for (const { messageId } of ofIt) lost.add(messageIdAt(number, messageId))
    }
    return holds.flatMap(({ messageId }) => (lost.has(messageId) ? [messageId] : []))
  }

  /** Stream by stream. */
  async #inEach(
    shares: readonly Share[],
    settle: (group: RedisGroup, holds: readonly Hold[]) => Promise<MessageId[]>
  ): Promise<MessageId[][]> {
    const steps = shares.map(({ partition, holds }) => this.#joined(() => settle(this.#in(partition), holds)))
    await Promise.allSettled(steps)
    return Promise.all(steps)
  }

  async pending(range: PendingRange): Promise<PendingEntry[]> {
    if ('messageIds' in range) return this.#pendingOf(range.messageIds, range.consumer)
    const { limit, after, consumer } = range
    mustBeLimit(limit)
    if (consumer !== undefined) mustBeConsumer(consumer)
    const begin = beginBehind(after)
    return this.#pendingIn(await this.#partitions.refresh(), limit, (partition) =>
      pendingPage(this.#connection, this.#groupOf(partition), { from: begin(partition), limit, consumer })
    )
  }

  async #pendingOf(messageIds: readonly MessageId[], consumer?: string): Promise<PendingEntry[]> {
    if (consumer !== undefined) mustBeConsumer(consumer)
    const places = messageIds.map(placeOf)
    const partitions = await this.#partitions.refresh()
    // Partition 0 is asked always: it says whether there is the group.
    const asked = partitions.filter(
      ({ number }) => number === 0 || places.some(({ partition }) => partition === number)
    )
    return this.#pendingIn(asked, Number.POSITIVE_INFINITY, (partition) => {
      const ids = places.filter((place) => place.partition === partition.number).map(({ id }) => id)
      return pendingOf(this.#connection, this.#groupOf(partition), ids, consumer)
    })
  }

  /** In the order of the ids. */
  async #pendingIn(
    partitions: readonly Partition[],
    limit: number,
    pendingIn: (partition: Partition) => Promise<PendingEntry[]>
  ): Promise<PendingEntry[]> {
    const found = await this.#joined(() =>
      Promise.all(
        partitions.map(async (partition) => (await pendingIn(partition)).map((entry) => ({ partition, entry })))
      )
    )
    const inOrder = found.flat().sort((a, b) => compareKnownIds(a.entry.messageId, b.entry.messageId))
    return inOrder.slice(0, limit).map(({ partition: { number }, entry }) => ({
      ...entry,
      messageId: messageIdAt(number, entry.messageId)
    }))
  }

  #groupOf({ keys }: Partition): GroupOfStream {
    return { stream: keys.stream, group: this.name, attachments: groupKeys(keys, this.name).attachments }
  }

  /** The oldest first, whatever their types: none waits for the others. */
  async claim(
    consumer: string,
    { minIdleMs, limit, heldBy, after }: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]> {
    mustBeLimit(limit)
    mustBeConsumer(consumer)
    if (heldBy !== undefined) mustBeConsumer(heldBy)
    const begin = beginBehind(after)
    const idle = durationText('minIdleMs', minIdleMs)
    const partitions = await this.#partitions.refresh()
    const args = [this.name, consumer, idle, String(limit), heldBy ?? '', NOBODY, WAITING, ...partitions.map(begin)]
    const replies = await this.#joined(() =>
      runScript<[...DeliveryReply, stream: number][]>(this.#connection, 'claim', this.#allKeys(partitions), args)
    )
    const claimed = replies.map(([id, fields, deliveries, attachment, stream]) => ({
      id,
      delivery: toDelivery([id, fields, deliveries, attachment]),
      stream
    }))
    claimed.sort((a, b) => compareKnownIds(a.id, b.id))
    return claimed.map(({ id, delivery, stream }) => ({ ...delivery, messageId: messageIdAt(stream, id) }))
  }

  async seek(to: Position): Promise<void> {
    const places = placesAt(to)
    const partitions = await this.#partitions.refresh()
    const streams = partitions.map(({ keys }) => keys.stream)
    const args = [this.name, ...partitions.map(({ number }) => places(number))]
    await this.#joined(() => runScript(this.#connection, 'seek', streams, args))
    this.#doorbell.ringAll()
  }

  async removeConsumer(consumer: string, { minIdleMs = 0 }: { minIdleMs?: number } = {}): Promise<boolean> {
    mustBeConsumer(consumer)
    this.#members.delete(consumer)
    const args = [this.name, consumer, durationText('minIdleMs', minIdleMs)]
    const streams = (await this.#partitions.refresh()).map(({ keys }) => keys.stream)
    return (await this.#joined(() => runScript<number>(this.#connection, 'removeConsumer', streams, args))) === 1
  }

  async info(): Promise<GroupInfo> {
    const found = (await groupInfosIn(this.#connection, await this.#partitions.refresh(), this.name))[0]
    if (found !== undefined) return found
    throw new EventSystemError('not_found', `There is no consumer group ${this.name}; its first consumer makes it.`)
  }

  async #know(partition: number): Promise<void> {
    if (partition >= this.#partitions.known.length) await this.#partitions.refresh()
  }

  #in(partition: Partition): RedisGroup {
    const known = this.#groups.get(partition)
    if (known !== undefined) return known
    const group = new RedisGroup(this.name, {
      connection: this.#connection,
      doorbell: this.#doorbell,
      keys: partition.keys
    })
    this.#groups.set(partition, group)
    return group
  }

  /** Makes the group where a partition has not got it yet, unless partition 0 has none: then it rejects with `not_found`. */
  async #joined<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof EventSystemError) || error.code !== 'not_found') throw error
      const streams = (await this.#partitions.refresh()).map(({ keys }) => keys.stream)
      await runScript(this.#connection, 'joinGroupByType', streams, [this.name])
      return call()
    }
  }
}

function messageIdsAt(partition: number, ids: readonly MessageId[]): MessageId[] {
  return ids.map((id) => messageIdAt(partition, id))
}

/** The last id that a group at this position has behind it, in each partition. */
function placesAt(position: Position): (partition: number) => string {
  if (typeof position === 'object' && 'after' in position) {
    const vector = vectorOf(position.after)
    return (partition) => vector[partition] ?? NOTHING
  }
  const place = deliveredUpTo(position)
  return () => place
}

/** Where XPENDING begins in each partition, behind an id. Of ids that are the same, that of the lower partition comes first. */
function beginBehind(after: MessageId | undefined): (partition: Partition) => string {
  if (after === undefined) return () => '-'
  const { partition, id } = placeOf(after)
  return ({ number }) => (number > partition ? id : `(${id}`)
}
