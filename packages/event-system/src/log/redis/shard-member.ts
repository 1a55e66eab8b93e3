import { EventSystemError } from '@tradpal/events'
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
import { giveUp, leave, takeShare } from '../sharding/index.ts'
import { mustBeLimit, mustBeSharding } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { Doorbell, Newest } from './doorbell.ts'
import { type DeliveryReply, toDelivery } from './entries.ts'
import type { EntryReader } from './entry-reader.ts'
import { HeldShards } from './held-shards.ts'
import { mustBeConsumer } from './holders.ts'
import { type GroupKeys, textKeys } from './keys.ts'
import { runScript } from './scripts.ts'
import { type Holder, holdArguments } from './settlements.ts'
import type { Settler } from './settler.ts'
import { type PendingByConsumer, ShardRouter } from './shard-router.ts'
import { stateFor, uncut } from './sharding-cut.ts'
import { type ShardingSituation, ShardingStore } from './sharding-store.ts'

export interface MemberContext {
  readonly stream: string
  readonly group: string
  readonly keys: GroupKeys
  readonly connection: Connection
  readonly reader: EntryReader
  readonly settler: Settler
  /** Listens to the log, and to what is told of routing. */
  readonly doorbell: Doorbell
}

/** Routing goes on ahead of the reads until so many entries stand ready: while one page is handled, the next stands there, and the one behind it is being routed. */
const READY_AHEAD = 500

/**
 * A member of a group that is cut into shards. What is pending of a shard is the pending list of a Redis consumer of its
 * own, whichever member has it; a member hands out of it what it has not handed out yet.
 */
export class RedisShardMember implements ShardMember {
  readonly name: string
  readonly #context: MemberContext
  readonly #options: ShardingOptions
  readonly #store: ShardingStore
  readonly #router: ShardRouter
  readonly #held: HeldShards
  /** What was routed by this member for itself and is not handed out yet. */
  #ready: ShardDelivery[] = []
  #isRoutingAhead = false
  /** Where the next look at the shards begins, so that none waits for ever behind another. */
  #turn = 0
  #hasLeft = false
  /** Steps that change what this member has are taken one at a time. */
  #lastStep: Promise<unknown> = Promise.resolve()

  constructor(member: string, options: ShardingOptions, context: MemberContext) {
    mustBeConsumer(member)
    mustBeSharding(options)
    this.name = member
    this.#context = context
    this.#options = options
    this.#held = new HeldShards(member)
    const { connection, reader, stream, group, keys } = context
    this.#store = new ShardingStore(connection, group, [stream, keys.sharding], options.leaseMs)
    this.#router = new ShardRouter({ connection, reader, stream, group, keys, options })
  }

  renew(): Promise<ShardAssignment> {
    return this.#oneAtATime(async () => {
      const { state, assignment } = await this.#store.change((situation) => this.#takeShare(situation))
      this.#hasLeft = false
      this.#router.isAlone = Object.keys(state.members).length === 1
      this.#held.assign(assignment)
      return assignment
    })
  }

  #takeShare(situation: ShardingSituation) {
    const { shards, leaseMs } = this.#options
    const { state, cutsAnew } = stateFor(situation, this.name, this.#context.group, shards)
    return { ...takeShare(state, this.name, { shards, leaseMs, now: situation.now }), cutsAnew }
  }

  giveUp(shards: readonly number[]): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#held.stop(shards)
      await this.#store.change(({ state }) => {
        const before = state ?? uncut(this.#options.shards)
        return { state: giveUp(before, this.name, shards), givenBack: this.#held.givenBack(before, shards) }
      })
      this.#held.drop(shards)
    })
  }

  leave(): Promise<void> {
    return this.#oneAtATime(async () => {
      if (this.#hasLeft) return
      // What is handed out from here on could not be given back.
      this.#hasLeft = true
      try {
        await this.#store.change(({ state }) => {
          const before = state ?? uncut(this.#options.shards)
          return { state: leave(before, this.name), givenBack: this.#held.givenBack(before) }
        })
      } catch (error) {
        // Without the group there is nothing to leave.
        this.#hasLeft = error instanceof EventSystemError && error.code === 'not_found'
        if (!this.#hasLeft) throw error
      }
      this.#held.drop()
      this.#context.doorbell.end()
    })
  }

  async read({
    limit,
    waitMs,
    signal
  }: {
    limit: number
    waitMs: number
    signal?: AbortSignal
  }): Promise<ShardDelivery[]> {
    mustBeLimit(limit)
    const deadline = performance.now() + waitMs
    while (!signal?.aborted && !this.#hasLeft) {
      const ready = this.#takeReady(limit)
      if (ready.length > 0) {
        void this.#routeAhead()
        return ready
      }
      const { deliveries, newest } = await this.#oneAtATime(() => this.#next(limit))
      if (deliveries.length > 0) void this.#routeAhead()
      const leftMs = deadline - performance.now()
      if (deliveries.length > 0 || leftMs <= 0 || this.#hasLeft) return deliveries
      await this.#context.doorbell.wait(newest, Math.min(leftMs, this.#router.waitMs(newest)), signal)
    }
    return []
  }

  /** Hands out what there is: what was routed for this member already, what is pending of its shards, what comes next in the log. */
  async #next(limit: number): Promise<{ deliveries: ShardDelivery[]; newest: Newest }> {
    let newest: Newest = []
    for (;;) {
      const ready = this.#takeReady(limit)
      if (ready.length > 0 || this.#hasLeft) return { deliveries: ready, newest }
      newest = await this.#look()
      const pending = await this.#nextPending(limit)
      if (pending.length > 0) return { deliveries: pending, newest }
      if (this.#router.waitMs(newest) > 0 || !(await this.#route(newest))) return { deliveries: [], newest }
    }
  }

  #takeReady(limit: number): ShardDelivery[] {
    const taken: ShardDelivery[] = []
    const left: ShardDelivery[] = []
    for (const delivery of this.#ready) {
      const held = this.#held.as(delivery)
      if (held === undefined) continue
      if (held.isSurplus || taken.length === limit) left.push(delivery)
      else taken.push(delivery)
    }
    this.#ready = left
    return taken
  }

  /** Sees what is pending. Where that is more than this member was given of a shard, there is something that it has not seen. */
  async #look(): Promise<Newest> {
    const known = this.#held.all().map((held) => ({ held, count: held.has.size - held.settling }))
    const [newest, pending] = await Promise.all([this.#context.doorbell.newest(), this.#pending()])
    for (const { held, count } of known) {
      if (held.unseen === 'none' && (pending.get(held.holder.consumer) ?? 0) > count) held.unseen = 'ahead'
    }
    this.#router.hear(newest)
    this.#router.isNeeded = this.#held.open().length > 0
    return (await this.#router.routeLeftovers(pending)) ? this.#look() : newest
  }

  async #pending(): Promise<PendingByConsumer> {
    const { connection, stream, group } = this.#context
    const [, , , counts] = await connection.read<[number, unknown, unknown, [string, string][] | null] & never[]>([
      'XPENDING',
      stream,
      group
    ])
    return new Map((counts ?? []).map(([consumer, count]) => [consumer, Number(count)]))
  }

  async #nextPending(limit: number): Promise<ShardDelivery[]> {
    const { connection, stream, group, keys } = this.#context
    for (;;) {
      const shards = rotated(this.#held.unseen(), this.#turn++)
      if (shards.length === 0) return []
      const args = shards.flatMap((shard) => shard.nextArguments())
      const results = await runScript<[holds: number, more: number, deliveries: DeliveryReply[]][]>(
        connection,
        'nextOfShards',
        [stream, ...textKeys(keys), keys.sharding],
        [group, String(limit), ...args]
      )
      const deliveries = shards.flatMap((held, i) => {
        const [holds, more, replies] = results[i] as [number, number, DeliveryReply[]]
        if (holds === 0) this.#held.drop([held.tenure.shard])
        else held.saw(replies.length, more === 1)
        return replies.map((reply) => held.give(toDelivery(reply)))
      })
      if (deliveries.length > 0) return deliveries
    }
  }

  /** Behind a full page routes the next ones, while what was handed out is handled. What goes wrong, the next read meets. */
  async #routeAhead(): Promise<void> {
    if (this.#isRoutingAhead) return
    this.#isRoutingAhead = true
    let goesOn = true
    // A step for each page: between two, the read that waits has its turn.
    while (goesOn && this.#mayRouteAhead()) {
      goesOn = await this.#oneAtATime(async () => this.#mayRouteAhead() && this.#route()).catch(() => false)
    }
    this.#isRoutingAhead = false
  }

  /** Not while a shard has what this member has not seen: that is looked for when nothing stands ready. */
  #mayRouteAhead(): boolean {
    return (
      !this.#hasLeft && this.#router.hasMore && this.#ready.length <= READY_AHEAD && this.#held.unseen().length === 0
    )
  }

  /** Resolves to whether it is worth to look again. */
  async #route(newest: Newest = []): Promise<boolean> {
    const outcome = await this.#router.route(this.#held.byShard, newest)
    if (outcome.kind !== 'routed') return outcome.kind === 'moved' || outcome.kind === 'leftovers'
    for (const { held, entry } of outcome.given) this.#ready.push(held.give({ ...entry, attempt: 1 }))
    return true
  }

  async held(holds: readonly ShardHold[]): Promise<ShardDelivery[]> {
    const batches = this.#held.batches(holds)
    return (await Promise.all(batches.map(({ holder, holds }) => this.#heldAs(holder, holds)))).flat()
  }

  /** What it holds of one shard. */
  async #heldAs({ consumer, shard, tenure }: Holder, holds: readonly ShardHold[]): Promise<ShardDelivery[]> {
    const { connection, stream, group, keys } = this.#context
    const [{ shard: number, epoch }] = holds as [ShardHold]
    const args = [group, consumer, shard, tenure, ...holdArguments(holds)]
    const ofGroup = [stream, ...textKeys(keys), keys.sharding]
    const replies = await runScript<DeliveryReply[]>(connection, 'held', ofGroup, args)
    return replies.map((reply) => ({ ...toDelivery(reply), shard: number, epoch }))
  }

  async acknowledge(holds: readonly ShardHold[]): Promise<MessageId[]> {
    const batches = this.#held.batches(holds)
    const settled = this.#held.settling(holds)
    const lost = await this.#context.settler.acknowledge(batches).finally(settled)
    this.#held.forget(holds)
    return lost
  }

  async settle(settlements: readonly (Settlement & ShardTenure)[]): Promise<SettlementResult[]> {
    const held = settlements.map((settlement) => ({ holder: this.#held.holderOf(settlement), settlement }))
    const ended = settlements.filter(({ outcome }) => outcome.kind !== 'retry')
    const settled = this.#held.settling(ended)
    const results = await this.#context.settler.settle(held).finally(settled)
    this.#held.forget(settlements.filter(({ outcome }, i) => outcome.kind !== 'retry' || results[i]?.kind === 'lost'))
    return results
  }

  #oneAtATime<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.#lastStep.then(step)
    this.#lastStep = result.catch(() => {})
    return result
  }
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = items.length === 0 ? 0 : by % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}
