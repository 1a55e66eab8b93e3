import { EventSystemError } from '@tradpal/events'
import type {
  ConsumerGroup,
  Delivery,
  GroupInfo,
  Hold,
  Ledger,
  MessageId,
  PendingEntry,
  PendingRange,
  PendingTexts,
  Position,
  Settlement,
  SettlementResult,
  ShardingOptions,
  ShardMember
} from '../port.ts'
import type { Appender } from './appender.ts'
import { durationText, mustBeLimit, mustBeName } from './arguments.ts'
import type { Connection, Reply } from './connection.ts'
import { Doorbell } from './doorbell.ts'
import { type DeliveryReply, type EntryReply, toDelivery } from './entries.ts'
import type { EntryReader } from './entry-reader.ts'
import { groupInfos } from './group-info.ts'
import { mustBeConsumer, NOBODY, WAITING } from './holders.ts'
import { type GroupKeys, groupKeys, type LogKeys, textKeys } from './keys.ts'
import { RedisLedger } from './ledger.ts'
import { deliveredUpTo, mustBeMessageId } from './message-id.ts'
import { pendingOf, pendingPage, rewritePending } from './pending.ts'
import { runScript, type ScriptName } from './scripts.ts'
import { entryHolder, holdArguments } from './settlements.ts'
import { Settler, type SettlerOptions } from './settler.ts'
import { RedisShardMember } from './shard-member.ts'

/** What a group needs of its log. */
export interface GroupContext {
  readonly connection: Connection
  readonly doorbell: Doorbell
  readonly keys: LogKeys
  readonly reader: EntryReader
  readonly appender: Appender
  readonly options: SettlerOptions
}

/** A consumer group of Redis Streams. */
export class RedisGroup implements ConsumerGroup {
  readonly name: string
  readonly ledger: Ledger
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #log: LogKeys
  readonly #keys: GroupKeys
  readonly #reader: EntryReader
  readonly #settler: Settler
  /** Consumers that the group knows of: Redis itself makes one only when it gets its first entry. */
  readonly #members = new Set<string>()

  constructor(name: string, { connection, doorbell, keys, reader, appender, options }: GroupContext) {
    mustBeName('group', name)
    this.name = name
    this.#connection = connection
    this.#doorbell = doorbell
    this.#log = keys
    this.#reader = reader
    this.#keys = groupKeys(keys, name)
    this.#settler = new Settler(name, { connection, appender }, keys, options)
    this.ledger = new RedisLedger(connection, this.#keys.ledger, options.ledgerRetentionMs)
  }

  create(at: Position): Promise<boolean> {
    return this.#create(at, '0')
  }

  restore(fallback: Position): Promise<boolean> {
    return this.#create(fallback, '1')
  }

  async #create(at: Position, prefersPlace: '0' | '1'): Promise<boolean> {
    return (
      (await this.#run<number>(
        'createGroup',
        [this.#keys.place, ...this.#detailKeys()],
        [deliveredUpTo(at), prefersPlace]
      )) === 1
    )
  }

  async keepPlace(): Promise<void> {
    await this.#run('keepPlace', [this.#keys.place])
  }

  async destroy(): Promise<boolean> {
    this.#members.clear()
    return (await this.#run<number>('destroyGroup', this.#detailKeys())) === 1
  }

  /** What goes with the group. */
  #detailKeys(): string[] {
    const { delayed, sharding, routed } = this.#keys
    return [...textKeys(this.#keys), delayed, sharding, routed]
  }

  async read(
    consumer: string,
    { limit, waitMs, signal }: { limit: number; waitMs: number; signal?: AbortSignal }
  ): Promise<Delivery[]> {
    mustBeLimit(limit)
    mustBeConsumer(consumer)
    if (signal?.aborted) return []
    const deadline = performance.now() + waitMs
    await this.#join(consumer)
    const found = await this.#readNew(consumer, limit)
    if (found.length > 0 || waitMs <= 0) return found
    for (;;) {
      if (signal?.aborted) return []
      const [newest, deliveries] = await Promise.all([this.#doorbell.newest(), this.#readNew(consumer, limit)])
      const leftMs = deadline - performance.now()
      if (deliveries.length > 0 || leftMs <= 0) return deliveries
      await this.#doorbell.wait(newest, leftMs, signal)
    }
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
      this.#connection.read<number>(['EXISTS', ...textKeys(this.#keys)])
    ])
    const entries = reply?.[0]?.[1] ?? []
    if (kept === 0 || entries.length === 0)
      return entries.map(([id, fields]) => toDelivery([id, fields, 1, null, null, null]))
    return this.#withDetails(entries)
  }

  /** A group that was moved back reads what is pending once more, with what it keeps of it. */
  async #withDetails(entries: readonly EntryReply[]): Promise<Delivery[]> {
    const ids = entries.map(([id]) => id)
    const [notes, amended, attachments] = await Promise.all(
      textKeys(this.#keys).map((key) => this.#connection.read<(string | null)[]>(['HMGET', key, ...ids]))
    )
    return entries.map(([id, fields], i) =>
      toDelivery([id, fields, 1, notes?.[i] ?? null, amended?.[i] ?? null, attachments?.[i] ?? null])
    )
  }

  async acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    mustBeConsumer(consumer)
    return this.#settler.acknowledge([{ holder: entryHolder(consumer), holds }])
  }

  async settle(consumer: string, settlements: readonly Settlement[]): Promise<SettlementResult[]> {
    mustBeConsumer(consumer)
    const holder = entryHolder(consumer)
    return this.#settler.settle(settlements.map((settlement) => ({ holder, settlement })))
  }

  async pending(range: PendingRange): Promise<PendingEntry[]> {
    const { consumer } = range
    if (consumer !== undefined) mustBeConsumer(consumer)
    const group = { stream: this.#log.stream, group: this.name, keys: this.#keys }
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
    const args = [consumer, durationText('minIdleMs', minIdleMs), String(limit), heldBy ?? '', from, NOBODY, WAITING]
    const replies = await this.#run<DeliveryReply[]>('claim', [...textKeys(this.#keys), this.#keys.delayed], args)
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

  sharded(member: string, options: ShardingOptions): ShardMember {
    return new RedisShardMember(member, options, {
      stream: this.#log.stream,
      group: this.name,
      keys: this.#keys,
      connection: this.#connection,
      reader: this.#reader,
      settler: this.#settler,
      doorbell: new Doorbell(this.#connection.newBlockingLine(), this.#connection, [
        this.#log.stream,
        this.#keys.routed
      ])
    })
  }

  rewrite(messageIds: readonly MessageId[], change: (texts: PendingTexts) => PendingTexts): Promise<number> {
    const group = { stream: this.#log.stream, group: this.name, keys: this.#keys }
    return rewritePending(this.#connection, group, messageIds, change)
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
