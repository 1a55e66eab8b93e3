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
import { assertLimit, assertName } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { SqliteDeadLetters } from './dead-letters.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import type { Reader } from './reader.ts'
import type { Tide } from './tide.ts'

const CREATE = 'INSERT INTO groups (name, last_id) VALUES (?, ?) ON CONFLICT (name) DO NOTHING'
const DESTROY = 'DELETE FROM groups WHERE name = ?'
const DESTROY_CONSUMERS = 'DELETE FROM consumers WHERE grp = ?'
const DESTROY_PENDING = 'DELETE FROM pending WHERE grp = ?'
const LAST_ID = 'SELECT last_id FROM groups WHERE name = ?'
const MOVE = 'UPDATE groups SET last_id = ?2 WHERE name = ?1'
const RAISE_TIDE = 'UPDATE state SET moves = moves + 1'
const HAS_NEW = 'SELECT EXISTS (SELECT 1 FROM entries WHERE id > ?) AS found'
const SEE_CONSUMER = `
  INSERT INTO consumers (grp, name, seen_at) VALUES (?, ?, ?) ON CONFLICT (grp, name) DO UPDATE SET seen_at = excluded.seen_at`
/** After a seek back, an entry may be pending already: then this is one more delivery of it. */
const HAND_OUT = `
  INSERT INTO pending (grp, id, consumer, delivered_at, deliveries)
  SELECT ?1, id, ?2, ?3, 1 FROM entries WHERE id > ?4 ORDER BY id LIMIT ?5
  ON CONFLICT (grp, id) DO UPDATE SET consumer = excluded.consumer, delivered_at = excluded.delivered_at, deliveries = deliveries + 1`
const HANDED_OUT = `
  SELECT entries.id, payload, deliveries FROM entries JOIN pending ON grp = ?1 AND pending.id = entries.id
  WHERE entries.id > ?2 ORDER BY entries.id LIMIT ?3`
const ACKNOWLEDGE = 'DELETE FROM pending WHERE grp = ?1 AND id IN (SELECT value FROM json_each(?2))'
const PENDING = `
  SELECT id, consumer, delivered_at, deliveries FROM pending
  WHERE grp = ?1 AND id > ?2 AND (?3 IS NULL OR consumer = ?3) ORDER BY id LIMIT ?4`
const CLAIMABLE = 'SELECT id FROM pending WHERE grp = ?1 AND delivered_at <= ?2 ORDER BY id LIMIT ?3'
const CLAIM = `
  UPDATE pending SET consumer = ?2, delivered_at = ?3, deliveries = deliveries + 1
  WHERE grp = ?1 AND id IN (SELECT value FROM json_each(?4))`
const REDELIVER = `
  UPDATE pending SET delivered_at = ?3, deliveries = deliveries + 1
  WHERE grp = ?1 AND consumer = ?2 AND id IN (SELECT value FROM json_each(?4)) RETURNING id`
const DELIVERIES = `
  SELECT pending.id, payload, deliveries FROM pending JOIN entries ON entries.id = pending.id
  WHERE grp = ?1 AND pending.id IN (SELECT value FROM json_each(?2)) ORDER BY pending.id`
const EXTEND = `
  UPDATE pending SET delivered_at = ?3 WHERE grp = ?1 AND consumer = ?2 AND id IN (SELECT value FROM json_each(?4)) RETURNING id`
/** An entry that nobody holds: its consumer is empty and it was handed out at the beginning of time, so any claim takes it. */
const RELEASE = `
  UPDATE pending SET consumer = '', delivered_at = 0, deliveries = deliveries - 1
  WHERE grp = ?1 AND consumer = ?2 AND id IN (SELECT value FROM json_each(?3))`
const REMOVE_CONSUMER = `
  DELETE FROM consumers WHERE grp = ?1 AND name = ?2 AND NOT EXISTS (SELECT 1 FROM pending WHERE grp = ?1 AND consumer = ?2)`
const CONSUMERS = `
  SELECT name, seen_at, (SELECT count(*) FROM pending WHERE pending.grp = consumers.grp AND consumer = name) AS pending
  FROM consumers WHERE grp = ? ORDER BY name`
const COUNT_PENDING = 'SELECT count(*) AS entries FROM pending WHERE grp = ?'
const LAG = `
  SELECT added - max(removed, coalesce((SELECT ordinal FROM entries WHERE id <= ? ORDER BY id DESC LIMIT 1), 0)) AS lag FROM state`

/** What a group needs of the log that it belongs to. */
export interface GroupSurroundings {
  readonly connection: Connection
  readonly reader: Reader
  readonly tide: Tide
  readonly deadLetters: SqliteDeadLetters
  /** Aborted when the log is closed. */
  readonly closing: AbortSignal
}

export class SqliteGroup implements ConsumerGroup {
  readonly name: string
  readonly #log: GroupSurroundings
  readonly #connection: Connection

  constructor(name: string, log: GroupSurroundings) {
    assertName('group', name)
    this.name = name
    this.#log = log
    this.#connection = log.connection
  }

  create(at: Position): Promise<boolean> {
    return this.#connection.write(() => {
      const lastId = this.#log.reader.resolve(at)
      return this.#connection.statement(CREATE).run(this.name, lastId).changes === 1
    })
  }

  destroy(): Promise<boolean> {
    return this.#connection.write(() => {
      this.#connection.statement(DESTROY_PENDING).run(this.name)
      this.#connection.statement(DESTROY_CONSUMERS).run(this.name)
      return this.#connection.statement(DESTROY).run(this.name).changes === 1
    })
  }

  async read(
    consumer: string,
    { limit, waitMs, signal }: { limit: number; waitMs: number; signal?: AbortSignal }
  ): Promise<Delivery[]> {
    assertLimit(limit)
    assertName('consumer', consumer)
    this.#connection.assertOpen()
    if (signal?.aborted) return []
    const deadline = performance.now() + waitMs
    const stops = signal === undefined ? [this.#log.closing] : [this.#log.closing, signal]
    using _ = waitMs > 0 ? this.#log.tide.listen() : undefined
    let level = waitMs > 0 ? await this.#connection.read(() => this.#log.tide.level()) : 0
    let deliveries = await this.#connection.write(() => this.#handOut(consumer, limit))
    while (deliveries.length === 0 && performance.now() < deadline) {
      await this.#log.tide.rise(level, stops, deadline - performance.now())
      if (signal?.aborted) return []
      level = await this.#connection.read(() => this.#log.tide.level())
      if (await this.#connection.read(() => this.#hasNew())) {
        deliveries = await this.#connection.write(() => this.#handOut(consumer, limit))
      }
    }
    return deliveries
  }

  #handOut(consumer: string, limit: number): Delivery[] {
    const lastId = this.#lastId()
    const now = this.#now()
    this.#connection.statement(SEE_CONSUMER).run(this.name, consumer, now)
    this.#connection.statement(HAND_OUT).run(this.name, consumer, now, lastId, limit)
    const deliveries = this.#connection.statement(HANDED_OUT).all(this.name, lastId, limit)
    const newest = deliveries.at(-1)
    if (newest !== undefined) this.#connection.statement(MOVE).run(this.name, Number(newest.id))
    return deliveries.map(toDelivery)
  }

  #hasNew(): boolean {
    return this.#connection.statement(HAS_NEW).get(this.#lastId())?.found === 1
  }

  /** Throws `not_found` without the group. */
  #lastId(): number {
    const row = this.#connection.statement(LAST_ID).get(this.name)
    if (row === undefined) {
      throw new EventSystemError('not_found', `The log has no group '${this.name}': create it first.`)
    }
    return Number(row.last_id)
  }

  acknowledge(messageIds: readonly MessageId[]): Promise<number> {
    return this.#connection.write(() =>
      Number(this.#connection.statement(ACKNOWLEDGE).run(this.name, toJson(messageIds)).changes)
    )
  }

  pending({
    limit,
    after,
    consumer
  }: {
    limit: number
    after?: MessageId
    consumer?: string
  }): Promise<PendingEntry[]> {
    return this.#connection.snapshot(() => {
      assertLimit(limit)
      this.#lastId()
      const behind = after === undefined ? -1 : parseMessageId(after)
      const now = this.#now()
      return this.#connection
        .statement(PENDING)
        .all(this.name, behind, consumer ?? null, limit)
        .map((row) => ({
          messageId: formatMessageId(Number(row.id)),
          consumer: String(row.consumer),
          idleMs: Math.max(0, now - Number(row.delivered_at)),
          deliveries: Number(row.deliveries)
        }))
    })
  }

  claim(consumer: string, { minIdleMs, limit }: { minIdleMs: number; limit: number }): Promise<Delivery[]> {
    return this.#connection.write(() => {
      assertLimit(limit)
      assertName('consumer', consumer)
      this.#lastId()
      const now = this.#now()
      this.#connection.statement(SEE_CONSUMER).run(this.name, consumer, now)
      const claimable = this.#connection.statement(CLAIMABLE).all(this.name, Math.max(0, now - minIdleMs), limit)
      const ids = JSON.stringify(claimable.map(({ id }) => id))
      this.#connection.statement(CLAIM).run(this.name, consumer, now, ids)
      return this.#connection.statement(DELIVERIES).all(this.name, ids).map(toDelivery)
    })
  }

  redeliver(consumer: string, messageIds: readonly MessageId[]): Promise<Delivery[]> {
    return this.#connection.write(() => {
      const own = this.#connection.statement(REDELIVER).all(this.name, consumer, this.#now(), toJson(messageIds))
      const ids = JSON.stringify(own.map(({ id }) => id))
      return this.#connection.statement(DELIVERIES).all(this.name, ids).map(toDelivery)
    })
  }

  extend(consumer: string, messageIds: readonly MessageId[]): Promise<MessageId[]> {
    return this.#connection.write(() => {
      const own = this.#connection.statement(EXTEND).all(this.name, consumer, this.#now(), toJson(messageIds))
      const ids = new Set(own.map(({ id }) => formatMessageId(Number(id))))
      return messageIds.filter((messageId) => ids.has(messageId))
    })
  }

  async release(consumer: string, messageIds: readonly MessageId[]): Promise<void> {
    await this.#connection.write(() => this.#connection.statement(RELEASE).run(this.name, consumer, toJson(messageIds)))
  }

  deadLetter(letters: readonly NewDeadLetter[]): Promise<DeadLetter[]> {
    return this.#connection.write(() => {
      const acknowledge = this.#connection.statement(ACKNOWLEDGE)
      return letters
        .filter(({ messageId }) => acknowledge.run(this.name, toJson([messageId])).changes === 1)
        .map((letter) => this.#log.deadLetters.write(this.name, letter))
    })
  }

  async seek(to: Position): Promise<void> {
    await this.#connection.write(() => {
      this.#lastId()
      this.#connection.statement(MOVE).run(this.name, this.#log.reader.resolve(to))
      this.#connection.statement(RAISE_TIDE).run()
    })
    this.#log.tide.ring()
  }

  removeConsumer(consumer: string): Promise<boolean> {
    return this.#connection.write(
      () => this.#connection.statement(REMOVE_CONSUMER).run(this.name, consumer).changes === 1
    )
  }

  info(): Promise<GroupInfo> {
    return this.#connection.snapshot(() => this.describe())
  }

  /** To be called inside a step of the connection. */
  describe(): GroupInfo {
    const lastId = this.#lastId()
    const now = this.#now()
    const consumers = this.#connection.statement(CONSUMERS).all(this.name)
    return {
      name: this.name,
      consumers: consumers.map(
        ({ name, pending, seen_at }): ConsumerInfo => ({
          name: String(name),
          pending: Number(pending),
          idleMs: Math.max(0, now - Number(seen_at))
        })
      ),
      pending: Number(this.#connection.statement(COUNT_PENDING).get(this.name)?.entries),
      lastDeliveredId: formatMessageId(lastId),
      lag: Number(this.#connection.statement(LAG).get(lastId)?.lag)
    }
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}

function toJson(messageIds: readonly MessageId[]): string {
  return JSON.stringify(messageIds.map(parseMessageId))
}

function toDelivery({ id, payload, deliveries }: Record<string, unknown>): Delivery {
  return { messageId: formatMessageId(id as number), payload: payload as string, attempt: deliveries as number }
}
