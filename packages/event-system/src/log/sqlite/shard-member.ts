import { counted, EventSystemError } from '@tradpal/events'
import type {
  MessageId,
  Settlement,
  SettlementResult,
  ShardAssignment,
  ShardDelivery,
  ShardHold,
  ShardingOptions,
  ShardMember,
  ShardTenure
} from '../port.ts'
import { giveUp, isHeldBy, leave, type ShardingState, takeShare } from '../sharding/index.ts'
import { assertLimit, assertName, assertSharding } from './arguments.ts'
import { lastIdOf } from './group-info.ts'
import type { GroupParts } from './group-parts.ts'
import { byAttempt, lostOf } from './holds.ts'
import { formatMessageId, parseMessageId, timeOf } from './message-id.ts'
import { routeEntries } from './router.ts'
import { settleAll } from './settlements.ts'
import { loadSharding, storeSharding } from './sharding-state.ts'
import { waitForSome } from './waiting.ts'

const HAS_SHARDED = 'SELECT EXISTS (SELECT 1 FROM pending WHERE grp = ? AND shard IS NOT NULL) AS found'
const SEE_MEMBER = `
  INSERT INTO consumers (grp, name, seen_at) VALUES (?, ?, ?) ON CONFLICT (grp, name) DO UPDATE SET seen_at = excluded.seen_at`
const FORGET_MEMBER = 'DELETE FROM consumers WHERE grp = ? AND name = ?'
/** What somebody had of a shard before, and did not settle, waits for the next. */
const WAIT_AGAIN = 'UPDATE pending SET handed = 0 WHERE grp = ? AND shard = ? AND handed <> 0'
const HAND_BACK = `
  UPDATE pending SET handed = 0, deliveries = deliveries - 1 WHERE grp = ? AND shard = ? AND handed = ?`
const HAS_SOME = `
  SELECT EXISTS (SELECT 1 FROM entries WHERE id > ?2)
    OR EXISTS (SELECT 1 FROM groups WHERE name = ?1 AND strays = 1)
    OR EXISTS (
      SELECT 1 FROM pending WHERE grp = ?1 AND shard IS NOT NULL AND handed = 0 AND shard IN (SELECT value FROM json_each(?3))
    ) AS found`
const WAITING =
  'SELECT id FROM pending WHERE grp = ? AND shard = ? AND shard IS NOT NULL AND handed = 0 ORDER BY id LIMIT ?'
const HAND_OUT = `
  UPDATE pending SET handed = ?4, deliveries = deliveries + 1, delivered_at = ?5
  WHERE grp = ?1 AND shard = ?2 AND id IN (SELECT value FROM json_each(?3))`
const HANDED_OUT = `
  SELECT pending.id AS id, shard, handed, deliveries, note, coalesce(pending.payload, entries.payload) AS payload
  FROM pending LEFT JOIN entries ON entries.id = pending.id
  WHERE grp = ?1 AND pending.id IN (SELECT value FROM json_each(?2)) ORDER BY pending.id`
const DROP = 'DELETE FROM pending WHERE grp = ?1 AND id IN (SELECT value FROM json_each(?2))'
const ACKNOWLEDGE = `
  DELETE FROM pending
  WHERE grp = ?1 AND shard = ?2 AND handed = ?3 AND deliveries = ?4 AND id IN (SELECT value FROM json_each(?5)) RETURNING id`
const IS_HELD = 'SELECT 1 FROM pending WHERE grp = ? AND id = ? AND shard = ? AND handed = ? AND deliveries = ?'
const HELD = `
  SELECT pending.id AS id, shard, handed, deliveries, note, coalesce(pending.payload, entries.payload) AS payload
  FROM pending LEFT JOIN entries ON entries.id = pending.id
  WHERE grp = ?1 AND shard = ?2 AND handed = ?3 AND deliveries = ?4 AND pending.id IN (SELECT value FROM json_each(?5))
  ORDER BY pending.id`
const RAISE_TIDE = 'UPDATE state SET moves = moves + 1'

/** One member of a group that is cut into shards: its state is a row of JSON, its steps are transactions. */
export class SqliteShardMember implements ShardMember {
  readonly name: string
  readonly #group: string
  readonly #log: GroupParts
  readonly #options: ShardingOptions
  #assignment: ShardAssignment = { held: [], surplus: [] }

  constructor(name: string, group: string, log: GroupParts, options: ShardingOptions) {
    assertName('consumer', name)
    assertSharding(options)
    this.name = name
    this.#group = group
    this.#log = log
    this.#options = options
  }

  async renew(): Promise<ShardAssignment> {
    const { connection } = this.#log
    const { shards, leaseMs } = this.#options
    this.#assignment = await connection.write(() => {
      lastIdOf(connection, this.#group)
      const now = this.#now()
      const before = this.#stateToJoin(now)
      const { state, assignment } = takeShare(before, this.name, { shards, leaseMs, now })
      storeSharding(connection, this.#group, state)
      connection.statement(SEE_MEMBER).run(this.#group, this.name, now)
      for (const tenure of assignment.held) {
        if (!isHeldBy(before, this.name, tenure)) connection.statement(WAIT_AGAIN).run(this.#group, tenure.shard)
      }
      return assignment
    })
    return this.#assignment
  }

  /** The state that the group has, or none when it is to be cut anew. */
  #stateToJoin(now: number): ShardingState | null {
    const state = loadSharding(this.#log.connection, this.#group)
    const { shards } = this.#options
    if (state === null || state.shards === shards) return state
    const living = Object.entries(state.members).filter(([name, endsAt]) => name !== this.name && endsAt > now)
    const isPending = this.#log.connection.statement(HAS_SHARDED).get(this.#group)?.found === 1
    if (living.length === 0 && !isPending) return null
    const why =
      living.length > 0 ? `${living.map(([name]) => name).join(', ')} share it so` : 'events of it are pending'
    throw new EventSystemError(
      'group_conflict',
      `The group '${this.#group}' is cut into ${counted(state.shards, 'shard')}, not ${shards}, and ${why}: change that when none of its members lives and nothing is pending.`
    )
  }

  async giveUp(shards: readonly number[]): Promise<void> {
    await this.#step((state) => giveUp(state, this.name, shards), shards)
  }

  async leave(): Promise<void> {
    const { connection } = this.#log
    await this.#step(
      (state) => {
        connection.statement(FORGET_MEMBER).run(this.#group, this.name)
        return leave(state, this.name)
      },
      this.#assignment.held.map(({ shard }) => shard)
    )
  }

  /** What was handed out of shards that are given up is handed back. */
  async #step(next: (state: ShardingState) => ShardingState, shards: readonly number[]): Promise<void> {
    const { connection } = this.#log
    await connection.write(() => {
      const state = loadSharding(connection, this.#group)
      if (state === null) return
      for (const tenure of this.#assignment.held) {
        if (!shards.includes(tenure.shard) || !isHeldBy(state, this.name, tenure)) continue
        connection.statement(HAND_BACK).run(this.#group, tenure.shard, tenure.epoch)
      }
      storeSharding(connection, this.#group, next(state))
      connection.statement(RAISE_TIDE).run()
    })
    const isKept = ({ shard }: ShardTenure) => !shards.includes(shard)
    this.#assignment = {
      held: this.#assignment.held.filter(isKept),
      surplus: this.#assignment.surplus.filter((shard) => !shards.includes(shard))
    }
    this.#log.tide.ring()
  }

  async read(options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<ShardDelivery[]> {
    assertLimit(options.limit)
    return waitForSome<ShardDelivery>(this.#log, options, async () => {
      const isWorthIt = await this.#log.connection.read(() => this.#hasSome())
      return isWorthIt ? this.#handOutOrRoute(options.limit) : []
    })
  }

  /** A look that keeps no other from writing. */
  #hasSome(): boolean {
    const { connection } = this.#log
    const shards = JSON.stringify(this.#assignment.held.map(({ shard }) => shard))
    return connection.statement(HAS_SOME).get(this.#group, lastIdOf(connection, this.#group), shards)?.found === 1
  }

  /** Resolves to undefined when there is more to route: this is to be called again. */
  async #handOutOrRoute(limit: number): Promise<ShardDelivery[] | undefined> {
    const { connection } = this.#log
    const { deliveries, hasMore, isForOthers } = await connection.write(() => {
      const now = this.#now()
      const state = loadSharding(connection, this.#group)
      const own = this.#assignment.held.filter(
        (tenure) => !this.#assignment.surplus.includes(tenure.shard) && isHeldBy(state, this.name, tenure)
      )
      const ready = this.#handOut(own, limit, now)
      if (ready.length > 0) return { deliveries: ready, hasMore: true, isForOthers: false }
      const routed = routeEntries(connection, this.#group, now, this.#options)
      const isForOthers = routed.shards.some((shard) => !own.some((tenure) => tenure.shard === shard))
      if (isForOthers) connection.statement(RAISE_TIDE).run()
      return { deliveries: this.#handOut(own, limit, now), hasMore: routed.hasMore, isForOthers }
    })
    if (isForOthers) this.#log.tide.ring()
    return deliveries.length === 0 && hasMore ? undefined : deliveries
  }

  #handOut(own: readonly ShardTenure[], limit: number, now: number): ShardDelivery[] {
    const { connection } = this.#log
    const waiting = own.flatMap((tenure) =>
      connection
        .statement(WAITING)
        .all(this.#group, tenure.shard, limit)
        .map(({ id }) => ({ id: Number(id), tenure }))
    )
    const next = waiting.sort((a, b) => a.id - b.id).slice(0, limit)
    for (const tenure of own) {
      const ids = next.filter((one) => one.tenure === tenure).map(({ id }) => id)
      if (ids.length === 0) continue
      connection.statement(HAND_OUT).run(this.#group, tenure.shard, JSON.stringify(ids), tenure.epoch, now)
    }
    if (next.length === 0) return []
    const rows = connection.statement(HANDED_OUT).all(this.#group, JSON.stringify(next.map(({ id }) => id)))
    const trimmed = rows.filter(({ payload }) => payload === null).map(({ id }) => id)
    if (trimmed.length > 0) connection.statement(DROP).run(this.#group, JSON.stringify(trimmed))
    return rows.filter(({ payload }) => payload !== null).map(toShardDelivery)
  }

  held(holds: readonly ShardHold[]): Promise<ShardDelivery[]> {
    const { connection } = this.#log
    return connection.read(() => {
      lastIdOf(connection, this.#group)
      return this.#rowsOf(holds, HELD)
        .filter(({ payload }) => payload !== null)
        .map(toShardDelivery)
    })
  }

  acknowledge(holds: readonly ShardHold[]): Promise<MessageId[]> {
    const { connection } = this.#log
    if (holds.length === 0) return Promise.resolve([])
    return connection.write(() => {
      lastIdOf(connection, this.#group)
      return lostOf(
        holds,
        this.#rowsOf(holds, ACKNOWLEDGE).map(({ id }) => Number(id))
      )
    })
  }

  /** What a statement answers of those that this member holds. */
  #rowsOf(holds: readonly ShardHold[], statement: string): Record<string, unknown>[] {
    const { connection } = this.#log
    const state = loadSharding(connection, this.#group)
    return tenuresOf(holds).flatMap(([tenure, ofTenure]) => {
      if (!isHeldBy(state, this.name, tenure)) return []
      return byAttempt(ofTenure).flatMap(({ attempt, ids }) =>
        connection.statement(statement).all(this.#group, tenure.shard, tenure.epoch, attempt, ids)
      )
    })
  }

  settle(settlements: readonly (Settlement & ShardTenure)[]): Promise<SettlementResult[]> {
    const { connection } = this.#log
    let state: ShardingState | null | undefined
    return settleAll({ ...this.#log, group: this.#group }, settlements, (settlement) => {
      if (state === undefined) lastIdOf(connection, this.#group)
      state ??= loadSharding(connection, this.#group)
      const { messageId, attempt, shard, epoch } = settlement
      return (
        isHeldBy(state, this.name, settlement) &&
        connection.statement(IS_HELD).get(this.#group, parseMessageId(messageId), shard, epoch, attempt) !== undefined
      )
    })
  }

  #now(): number {
    return Math.floor(this.#log.connection.options.clock.now())
  }
}

function tenuresOf(holds: readonly ShardHold[]): [ShardTenure, ShardHold[]][] {
  const byTenure = new Map<string, [ShardTenure, ShardHold[]]>()
  for (const hold of holds) {
    const name = `${hold.shard} ${hold.epoch}`
    const known = byTenure.get(name)
    if (known === undefined) byTenure.set(name, [hold, [hold]])
    else known[1].push(hold)
  }
  return [...byTenure.values()]
}

function toShardDelivery({ id, shard, handed, deliveries, note, payload }: Record<string, unknown>): ShardDelivery {
  return {
    messageId: formatMessageId(Number(id)),
    appendedAt: timeOf(Number(id)),
    payload: String(payload),
    attempt: Number(deliveries),
    ...(note === null ? {} : { note: String(note) }),
    shard: Number(shard),
    epoch: Number(handed)
  }
}
