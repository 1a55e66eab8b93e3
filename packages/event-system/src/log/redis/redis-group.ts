import { EventSystemError } from '@tradpal/events'
import type { Delivery, GroupInfo, Hold, MessageId, PendingEntry, PendingRange, Position, WorkQueue } from '../port.ts'
import { durationText, mustBeLimit, mustBeName } from './arguments.ts'
import type { Connection, Reply } from './connection.ts'
import type { Doorbell } from './doorbell.ts'
import { type DeliveryReply, type EntryReply, toDelivery } from './entries.ts'
import { groupInfos } from './group-info.ts'
import { mustBeConsumer, NOBODY, WAITING } from './holders.ts'
import { acknowledgeIn, holdArguments, inSteps } from './holds.ts'
import { type GroupKeys, groupKeys, type LogKeys } from './keys.ts'
import { deliveredUpTo, mustBeMessageId } from './message-id.ts'
import { type GroupOfStream, pendingOf, pendingPage } from './pending.ts'
import { readOrWait } from './read-or-wait.ts'
import { runScript, type ScriptName } from './scripts.ts'

/** What a group needs of its log. */
export interface GroupContext {
  readonly connection: Connection
  readonly doorbell: Doorbell
  readonly keys: LogKeys
}

/** A consumer group of Redis Streams. */
export class RedisGroup implements WorkQueue {
  readonly name: string
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #log: LogKeys
  readonly #keys: GroupKeys
  /** Consumers that the group knows of: Redis itself makes one only when it gets its first entry. */
  readonly #members = new Set<string>()

  constructor(name: string, { connection, doorbell, keys }: GroupContext) {
    mustBeName('group', name)
    this.name = name
    this.#connection = connection
    this.#doorbell = doorbell
    this.#log = keys
    this.#keys = groupKeys(keys, name)
  }

  async create(at: Position): Promise<boolean> {
    return (await this.#run<number>('createGroup', this.#detailKeys(), [deliveredUpTo(at)])) === 1
  }

  async destroy(): Promise<boolean> {
    this.#members.clear()
    return (await this.#run<number>('destroyGroup', this.#detailKeys())) === 1
  }

  /** What goes with the group. */
  #detailKeys(): string[] {
    const { attachments, delayed } = this.#keys
    return [attachments, delayed]
  }

  async read(
    consumer: string,
    { limit, waitMs, signal }: { limit: number; waitMs: number; signal?: AbortSignal }
  ): Promise<Delivery[]> {
    mustBeLimit(limit)
    mustBeConsumer(consumer)
    if (signal?.aborted) return []
    await this.#join(consumer)
    return readOrWait(this.#doorbell, () => this.#readNew(consumer, limit), { waitMs, signal })
  }

  async #join(consumer: string): Promise<void> {
    if (this.#members.has(consumer)) return
    await this.#connection.write(['XGROUP', 'CREATECONSUMER', this.#log.stream, this.name, consumer])
    this.#members.add(consumer)
  }

  async #readNew(consumer: string, limit: number): Promise<Delivery[]> {
    const reading = ['GROUP', this.name, consumer, 'COUNT', String(limit), 'STREAMS', this.#log.stream, '>']
    const [reply, kept] = await Promise.all([
      this.#connection.write<[string, EntryReply[]][] | null>(['XREADGROUP', ...reading]),
      this.#connection.read<number>(['EXISTS', this.#keys.attachments])
    ])
    const entries = reply?.[0]?.[1] ?? []
    if (kept === 0 || entries.length === 0) return entries.map(([id, fields]) => toDelivery([id, fields, 1, null]))
    return this.#withAttachments(entries)
  }

  /** A group that was moved back reads what is pending once more, with what it keeps of it. */
  async #withAttachments(entries: readonly EntryReply[]): Promise<Delivery[]> {
    const ids = entries.map(([id]) => id)
    const texts = await this.#connection.read<(string | null)[]>(['HMGET', this.#keys.attachments, ...ids])
    return entries.map(([id, fields], i) => toDelivery([id, fields, 1, texts[i] ?? null]))
  }

  async acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    const who = { group: this.name, consumer }
    return inSteps(holds, async (some) =>
      (await acknowledgeIn(this.#connection, who, [{ place: this.#place, holds: some }])).flat()
    )
  }

  get #place(): GroupOfStream {
    return { stream: this.#log.stream, group: this.name, attachments: this.#keys.attachments }
  }

  async pending(range: PendingRange): Promise<PendingEntry[]> {
    const { consumer } = range
    if (consumer !== undefined) mustBeConsumer(consumer)
    const group = this.#place
    if ('messageIds' in range) return pendingOf(this.#connection, group, range.messageIds, consumer)
    const { limit, after } = range
    mustBeLimit(limit)
    const from = after === undefined ? '-' : `(${mustBeMessageId(after)}`
    return pendingPage(this.#connection, group, { from, limit, consumer })
  }

  async claim(
    consumer: string,
    { minIdleMs, limit, heldBy, after }: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]> {
    mustBeLimit(limit)
    mustBeConsumer(consumer)
    if (heldBy !== undefined) mustBeConsumer(heldBy)
    const from = after === undefined ? '-' : `(${mustBeMessageId(after)}`
    const args = [consumer, durationText('minIdleMs', minIdleMs), String(limit), heldBy ?? '', NOBODY, WAITING, from]
    const replies = await this.#run<DeliveryReply[]>('claim', this.#detailKeys(), args)
    return replies.map(toDelivery)
  }

  async extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    if (holds.length === 0) return []
    return this.#run<string[]>('extend', [], [consumer, ...holdArguments(holds)])
  }

  async release(
    consumer: string,
    holds: readonly Hold[],
    { delayMs = 0 }: { delayMs?: number } = {}
  ): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    const delay = durationText('delayMs', delayMs)
    if (holds.length === 0) return []
    const args = [consumer, NOBODY, WAITING, delay, ...holdArguments(holds)]
    return this.#run<string[]>('release', [this.#keys.delayed], args)
  }

  async seek(to: Position): Promise<void> {
    await this.#run('seek', [], [deliveredUpTo(to)])
    this.#doorbell.ringAll()
  }

  async removeConsumer(consumer: string, { minIdleMs = 0 }: { minIdleMs?: number } = {}): Promise<boolean> {
    mustBeConsumer(consumer)
    this.#members.delete(consumer)
    const args = [consumer, durationText('minIdleMs', minIdleMs)]
    return (await this.#run<number>('removeConsumer', [], args)) === 1
  }

  async info(): Promise<GroupInfo> {
    const found = (await groupInfos(this.#connection, this.#log, this.name))[0]
    if (found !== undefined) return found
    throw new EventSystemError('not_found', `There is no consumer group ${this.name}; its first consumer makes it.`)
  }

  #run<R extends Reply>(script: ScriptName, keys: readonly string[] = [], args: readonly string[] = []): Promise<R> {
    return runScript<R>(this.#connection, script, [this.#log.stream, ...keys], [this.name, ...args])
  }
}
