import { EventSystemError } from '@tradpal/events'
import type {
  ConsumerGroup,
  ConsumerInfo,
  DeadLetter,
  Delivery,
  GroupInfo,
  MessageId,
  NewDeadLetter,
  PendingEntry,
  Position
} from '../port.ts'
import type { Connection, Reply } from './connection.ts'
import { CLAIMABLE_IDLE_MS, deadLettersKey, letterJson, NOBODY } from './dead-letters.ts'
import type { Doorbell } from './doorbell.ts'
import { type DeliveryReply, type EntryReply, fieldsOf, toDelivery } from './entries.ts'
import { deliveredUpTo, mustBeMessageId, timeOfMessageId } from './message-id.ts'
import { runScript } from './scripts.ts'

/** How many entries are counted, at most, when Redis itself cannot tell how far a group lags. */
const LAG_BOUND = 10_000

/** A consumer group of Redis Streams. */
export class RedisGroup implements ConsumerGroup {
  readonly name: string
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #stream: string

  constructor(name: string, connection: Connection, doorbell: Doorbell, stream: string) {
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
    const deadline = performance.now() + waitMs
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
    const rows = await this.#connection.read<[string, string, number, number][]>(command)
    return rows.map(([messageId, holder, idleMs, deliveries]) => ({ messageId, consumer: holder, idleMs, deliveries }))
  }

  async claim(consumer: string, { minIdleMs, limit }: { minIdleMs: number; limit: number }): Promise<Delivery[]> {
    return this.#deliver('claim', [consumer, String(Math.ceil(minIdleMs)), String(limit)])
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
    await this.#run('release', [this.name, consumer, CLAIMABLE_IDLE_MS, ...messageIds.map(mustBeMessageId)])
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
  }

  async removeConsumer(consumer: string): Promise<boolean> {
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

/** How every group of a stream stands. None when there is no stream. */
export async function groupInfos(connection: Connection, stream: string): Promise<GroupInfo[]> {
  const groups = await xinfo(connection, ['XINFO', 'GROUPS', stream])
  return Promise.all(groups.map((group) => groupInfo(connection, stream, fieldsOf(group))))
}

async function groupInfo(connection: Connection, stream: string, fields: Record<string, Reply>): Promise<GroupInfo> {
  const name = fields.name as string
  const lastDeliveredId = fields['last-delivered-id'] as string
  const consumers = (await xinfo(connection, ['XINFO', 'CONSUMERS', stream, name])).map(toConsumerInfo)
  const lag = fields.lag ?? (await countBehind(connection, stream, lastDeliveredId))
  return {
    name,
    consumers: consumers.filter((consumer) => consumer.name !== NOBODY),
    pending: fields.pending as number,
    lastDeliveredId,
    lag: lag as number | null
  }
}

function toConsumerInfo(reply: Reply): ConsumerInfo {
  const { name, pending, idle } = fieldsOf(reply)
  return { name: name as string, pending: pending as number, idleMs: idle as number }
}

/** Redis loses count of a group that was set to the middle of the stream (https://redis.io/docs/latest/commands/xinfo-groups/). */
async function countBehind(connection: Connection, stream: string, id: MessageId): Promise<number | null> {
  const count = await runScript<number>(connection, 'countBehind', [stream], [id, String(LAG_BOUND)])
  return count < 0 ? null : count
}

async function xinfo(connection: Connection, command: string[]): Promise<Reply[]> {
  try {
    return await connection.read<Reply[]>(command)
  } catch (error) {
    if (isReply(error, 'ERR no such key') || isReply(error, 'NOGROUP')) return []
    throw error
  }
}

/** Whether Redis itself answered with an error that begins so. */
export function isReply(error: unknown, beginning: string): boolean {
  return error instanceof EventSystemError && error.cause instanceof Error && error.cause.message.startsWith(beginning)
}
