import { EventSystemError } from '@tradpal/events'
import type {
  ConsumerGroup,
  DeadLetter,
  Delivery,
  GroupInfo,
  MessageId,
  NewDeadLetter,
  PendingEntry,
  Position
} from '../port.ts'
import { mustBeLimit, mustBeName } from './arguments.ts'
import type { Connection, Reply } from './connection.ts'
import { CLAIMABLE_IDLE_MS, deadLettersKey, letterJson, NOBODY } from './dead-letters.ts'
import type { Doorbell } from './doorbell.ts'
import { type DeliveryReply, type EntryReply, toDelivery } from './entries.ts'
import { isReply } from './errors.ts'
import { groupInfos } from './group-info.ts'
import { deliveredUpTo, mustBeMessageId, timeOfMessageId } from './message-id.ts'
import { runScript } from './scripts.ts'

/** A consumer group of Redis Streams. */
export class RedisGroup implements ConsumerGroup {
  readonly name: string
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #stream: string
  /** Consumers that the group knows of: Redis itself makes one only when it gets its first entry. */
  readonly #members = new Set<string>()

  constructor(name: string, connection: Connection, doorbell: Doorbell, stream: string) {
    mustBeName('group', name)
    this.name = name
    this.#connection = connection
    this.#doorbell = doorbell
    this.#stream = stream
  }

  async create(at: Position): Promise<boolean> {
    try {
      await this.#connection.write(['XGROUP', 'CREATE', this.#stream, this.name, deliveredUpTo(at), 'MKSTREAM'])
      return true
    } catch (error) {
      if (isReply(error, 'BUSYGROUP')) return false
      throw error
    }
  }

  async destroy(): Promise<boolean> {
    try {
      return (await this.#connection.write<number>(['XGROUP', 'DESTROY', this.#stream, this.name])) === 1
    } catch (error) {
      if (isReply(error, 'ERR The XGROUP subcommand requires the key to exist')) return false
      throw error
    }
  }

  async read(
    consumer: string,
    { limit, waitMs, signal }: { limit: number; waitMs: number; signal?: AbortSignal }
  ): Promise<Delivery[]> {
    mustBeLimit(limit)
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
    mustBeName('consumer', consumer)
    await this.#connection.write(['XGROUP', 'CREATECONSUMER', this.#stream, this.name, consumer])
    this.#members.add(consumer)
  }

  async #readNew(consumer: string, limit: number): Promise<Delivery[]> {
    const reply = await this.#connection.write<[string, EntryReply[]][] | null>([
      'XREADGROUP',
      'GROUP',
      this.name,
      consumer,
      'COUNT',
      String(limit),
      'STREAMS',
      this.#stream,
      '>'
    ])
    return (reply?.[0]?.[1] ?? []).map(([id, fields]) => toDelivery([id, fields, 1]))
  }

  async acknowledge(messageIds: readonly MessageId[]): Promise<number> {
    if (messageIds.length === 0) return 0
    return this.#connection.write<number>(['XACK', this.#stream, this.name, ...messageIds.map(mustBeMessageId)])
  }

  async pending({
    limit,
    after,
    consumer
  }: {
    limit: number
    after?: MessageId
    consumer?: string
  }): Promise<PendingEntry[]> {
    const from = after === undefined ? '-' : `(${mustBeMessageId(after)}`
    const command = ['XPENDING', this.#stream, this.name, from, '+', String(limit)]
    if (consumer !== undefined) command.push(consumer)
    mustBeLimit(limit)
    const rows = await this.#connection.read<[string, string, number, number][]>(command)
    return rows.map(([messageId, holder, idleMs, deliveries]) => ({
      messageId,
      consumer: holder === NOBODY ? '' : holder,
      idleMs,
      deliveries
    }))
  }

  async claim(consumer: string, { minIdleMs, limit }: { minIdleMs: number; limit: number }): Promise<Delivery[]> {
    mustBeLimit(limit)
    mustBeName('consumer', consumer)
    const leastIdleMs = Math.min(Number(CLAIMABLE_IDLE_MS), Math.max(0, Math.ceil(minIdleMs)))
    return this.#deliver('claim', [consumer, String(leastIdleMs), String(limit), NOBODY])
  }

  async redeliver(consumer: string, messageIds: readonly MessageId[]): Promise<Delivery[]> {
    if (messageIds.length === 0) return []
    return this.#deliver('redeliver', [consumer, ...messageIds.map(mustBeMessageId)])
  }

  async extend(consumer: string, messageIds: readonly MessageId[]): Promise<MessageId[]> {
    if (messageIds.length === 0) return []
    return this.#run<string[]>('extend', [this.name, consumer, ...messageIds.map(mustBeMessageId)])
  }

  async release(consumer: string, messageIds: readonly MessageId[]): Promise<void> {
    if (messageIds.length === 0) return
    await this.#run('release', [this.name, consumer, NOBODY, CLAIMABLE_IDLE_MS, ...messageIds.map(mustBeMessageId)])
  }

  async deadLetter(letters: readonly NewDeadLetter[]): Promise<DeadLetter[]> {
    if (letters.length === 0) return []
    const stored = letters.map((letter) => ({ ...letter, group: this.name }))
    const args = stored.flatMap((letter) => [mustBeMessageId(letter.messageId), letterJson(letter)])
    const keys = [this.#stream, deadLettersKey(this.#stream)]
    const ids = await runScript<(string | null)[]>(this.#connection, 'deadLetter', keys, [this.name, ...args])
    return stored.flatMap((letter, i) => {
      const id = ids[i]
      return typeof id === 'string' ? [{ ...letter, id, deadAt: timeOfMessageId(id) }] : []
    })
  }

  async seek(to: Position): Promise<void> {
    await this.#connection.write(['XGROUP', 'SETID', this.#stream, this.name, deliveredUpTo(to)])
    this.#doorbell.ringAll()
  }

  async removeConsumer(consumer: string): Promise<boolean> {
    this.#members.delete(consumer)
    return (await this.#run<number>('removeConsumer', [this.name, consumer])) === 1
  }

  async info(): Promise<GroupInfo> {
    const found = (await groupInfos(this.#connection, this.#stream)).find(({ name }) => name === this.name)
    if (found !== undefined) return found
    throw new EventSystemError('not_found', `There is no consumer group ${this.name} in ${this.#stream}.`)
  }

  async #deliver(script: 'claim' | 'redeliver', args: string[]): Promise<Delivery[]> {
    return (await this.#run<DeliveryReply[]>(script, [this.name, ...args])).map(toDelivery)
  }

  #run<R extends Reply>(script: Parameters<typeof runScript>[1], args: string[]): Promise<R> {
    return runScript<R>(this.#connection, script, [this.#stream], args)
  }
}
