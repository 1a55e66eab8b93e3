import type { Delivery, GroupInfo, Hold, MessageId, PendingEntry, PendingRange, Position, WorkQueue } from '../port.ts'
import { assertDuration, assertLimit, assertName } from './arguments.ts'
import type { Connection } from './connection.ts'
import { describeGroup, lastIdOf } from './group-info.ts'
import type { GroupParts } from './group-parts.ts'
import { byAttempt, lostOf, toDelivery } from './holds.ts'
import { parseMessageId } from './message-id.ts'
import { pendingEntries } from './pending.ts'
import { waitForSome } from './waiting.ts'

const CREATE = 'INSERT INTO groups (name, last_id) VALUES (?, ?) ON CONFLICT (name) DO NOTHING'
const DESTROY = ['DELETE FROM pending WHERE grp = ?', 'DELETE FROM consumers WHERE grp = ?']
const DESTROY_GROUP = 'DELETE FROM groups WHERE name = ?'
const SEEK = 'UPDATE groups SET last_id = ?2 WHERE name = ?1'
const RAISE_TIDE = 'UPDATE state SET moves = moves + 1'
const HAS_NEW = 'SELECT EXISTS (SELECT 1 FROM entries WHERE id > ?) AS found'
const SEE_CONSUMER = `
  INSERT INTO consumers (grp, name, seen_at) VALUES (?, ?, ?) ON CONFLICT (grp, name) DO UPDATE SET seen_at = excluded.seen_at`
/** After a seek back, an entry may be pending already: then this is one more delivery of it. */
const HAND_OUT = `
  INSERT INTO pending (grp, id, consumer, delivered_at, deliveries)
  SELECT ?1, id, ?2, ?3, 1 FROM entries WHERE id > ?4 ORDER BY id LIMIT ?5
  ON CONFLICT (grp, id) DO UPDATE SET
    consumer = excluded.consumer, delivered_at = excluded.delivered_at, deliveries = deliveries + 1`
const HANDED_OUT = `
  SELECT entries.id AS id, payload, deliveries, attachment
  FROM entries JOIN pending ON grp = ?1 AND pending.id = entries.id
  WHERE entries.id > ?2 ORDER BY entries.id LIMIT ?3`
const ACKNOWLEDGE = `
  DELETE FROM pending
  WHERE grp = ?1 AND consumer = ?2 AND deliveries = ?3 AND id IN (SELECT value FROM json_each(?4)) RETURNING id`
/** What nobody holds is free once it is due. */
const CLAIMABLE = `
  SELECT id FROM pending
  WHERE grp = ?1 AND id > ?2 AND delivered_at <= iif(consumer = '', ?3, ?4) AND (?5 IS NULL OR consumer = ?5) ORDER BY id LIMIT ?6`
const CLAIM = `
  UPDATE pending SET consumer = ?2, delivered_at = ?3, deliveries = deliveries + 1
  WHERE grp = ?1 AND id IN (SELECT value FROM json_each(?4))`
const TRIMMED = `
  DELETE FROM pending WHERE grp = ?1 AND id IN (SELECT value FROM json_each(?2)) AND id NOT IN (SELECT id FROM entries)`
const CLAIMED = `
  SELECT pending.id AS id, payload, deliveries, attachment
  FROM pending JOIN entries ON entries.id = pending.id
  WHERE grp = ?1 AND pending.id IN (SELECT value FROM json_each(?2)) ORDER BY pending.id`
const EXTEND = `
  UPDATE pending SET delivered_at = ?5
  WHERE grp = ?1 AND consumer = ?2 AND deliveries = ?3 AND id IN (SELECT value FROM json_each(?4)) RETURNING id`
/** What is handed back with a delay was a delivery; else it counts for none. */
const RELEASE = `
  UPDATE pending SET consumer = '', delivered_at = ?5, deliveries = deliveries - ?6
  WHERE grp = ?1 AND consumer = ?2 AND deliveries = ?3 AND id IN (SELECT value FROM json_each(?4)) RETURNING id`
const REMOVE_CONSUMER = `
  DELETE FROM consumers
  WHERE grp = ?1 AND name = ?2 AND seen_at <= ?3 AND NOT EXISTS (SELECT 1 FROM pending WHERE grp = ?1 AND consumer = ?2)`

export class SqliteGroup implements WorkQueue {
  readonly name: string
  readonly #log: GroupParts
  readonly #connection: Connection

  constructor(name: string, log: GroupParts) {
    assertName('group', name)
    this.name = name
    this.#log = log
    this.#connection = log.connection
  }

  create(at: Position): Promise<boolean> {
    const { reader } = this.#log
    return this.#connection.write(() => {
      const id = Math.min(reader.resolve(at), reader.resolve('end'))
      return this.#connection.statement(CREATE).run(this.name, id).changes === 1
    })
  }

  destroy(): Promise<boolean> {
    return this.#connection.write(() => {
      for (const remove of DESTROY) this.#connection.statement(remove).run(this.name)
      return this.#connection.statement(DESTROY_GROUP).run(this.name).changes === 1
    })
  }

  async read(consumer: string, options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<Delivery[]> {
    assertLimit(options.limit)
    assertName('consumer', consumer)
    let isFirst = true
    return waitForSome(this.#log, options, async () => {
      const isWorthIt = isFirst || (await this.#connection.read(() => this.#hasNew()))
      isFirst = false
      return isWorthIt ? this.#connection.write(() => this.#handOut(consumer, options.limit)) : []
    })
  }

  #handOut(consumer: string, limit: number): Delivery[] {
    const lastId = lastIdOf(this.#connection, this.name)
    const now = this.#now()
    this.#connection.statement(SEE_CONSUMER).run(this.name, consumer, now)
    this.#connection.statement(HAND_OUT).run(this.name, consumer, now, lastId, limit)
    const deliveries = this.#connection.statement(HANDED_OUT).all(this.name, lastId, limit)
    const newest = deliveries.at(-1)
    if (newest !== undefined) this.#connection.statement(SEEK).run(this.name, Number(newest.id))
    return deliveries.map(toDelivery)
  }

  #hasNew(): boolean {
    return this.#connection.statement(HAS_NEW).get(lastIdOf(this.#connection, this.name))?.found === 1
  }

  acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    if (holds.length === 0) return Promise.resolve([])
    return this.#changeHeld(holds, ({ attempt, ids }) =>
      this.#connection.statement(ACKNOWLEDGE).all(this.name, consumer, attempt, ids)
    )
  }

  pending(range: PendingRange): Promise<PendingEntry[]> {
    return this.#connection.snapshot(() => {
      lastIdOf(this.#connection, this.name)
      return pendingEntries(this.#connection, this.name, range)
    })
  }

  claim(
    consumer: string,
    { minIdleMs, limit, heldBy, after }: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]> {
    return this.#connection.write(() => {
      assertLimit(limit)
      assertDuration('minIdleMs', minIdleMs)
      assertName('consumer', consumer)
      lastIdOf(this.#connection, this.name)
      const now = this.#now()
      const behind = after === undefined ? -1 : parseMessageId(after)
      this.#connection.statement(SEE_CONSUMER).run(this.name, consumer, now)
      const claimable = this.#connection
        .statement(CLAIMABLE)
        .all(this.name, behind, now, Math.max(0, now - minIdleMs), heldBy ?? null, limit)
      if (claimable.length === 0) return []
      const ids = JSON.stringify(claimable.map(({ id }) => id))
      this.#connection.statement(TRIMMED).run(this.name, ids)
      this.#connection.statement(CLAIM).run(this.name, consumer, now, ids)
      return this.#connection.statement(CLAIMED).all(this.name, ids).map(toDelivery)
    })
  }

  extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    return this.#changeHeld(holds, ({ attempt, ids }) =>
      this.#connection.statement(EXTEND).all(this.name, consumer, attempt, ids, this.#now())
    )
  }

  async release(
    consumer: string,
    holds: readonly Hold[],
    { delayMs = 0 }: { delayMs?: number } = {}
  ): Promise<MessageId[]> {
    assertDuration('delayMs', delayMs)
    const dueAt = delayMs > 0 ? this.#now() + Math.ceil(delayMs) : 0
    const lost = await this.#changeHeld(holds, ({ attempt, ids }) =>
      this.#connection.statement(RELEASE).all(this.name, consumer, attempt, ids, dueAt, delayMs > 0 ? 0 : 1)
    )
    return lost
  }

  /** Does something to what is held. Resolves to the ids of those that are not. */
  #changeHeld(
    holds: readonly Hold[],
    change: (held: { attempt: number; ids: string }) => readonly Record<string, unknown>[]
  ): Promise<MessageId[]> {
    return this.#connection.write(() => {
      lastIdOf(this.#connection, this.name)
      const changed = byAttempt(holds).flatMap(change)
      return lostOf(
        holds,
        changed.map(({ id }) => Number(id))
      )
    })
  }

  async seek(to: Position): Promise<void> {
    await this.#connection.write(() => {
      lastIdOf(this.#connection, this.name)
      this.#connection.statement(SEEK).run(this.name, this.#log.reader.resolve(to))
      this.#connection.statement(RAISE_TIDE).run()
    })
    this.#log.tide.ring()
  }

  removeConsumer(consumer: string, { minIdleMs = 0 }: { minIdleMs?: number } = {}): Promise<boolean> {
    return this.#connection.write(() => {
      assertDuration('minIdleMs', minIdleMs)
      lastIdOf(this.#connection, this.name)
      const seenBefore = this.#now() - minIdleMs
      return this.#connection.statement(REMOVE_CONSUMER).run(this.name, consumer, seenBefore).changes === 1
    })
  }

  info(): Promise<GroupInfo> {
    return this.#connection.snapshot(() => describeGroup(this.#connection, this.name))
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}
