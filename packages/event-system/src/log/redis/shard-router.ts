import { randomUUID } from 'node:crypto'
import { EventSystemError } from '@tradpal/events'
import type { Entry, MessageId, ShardingOptions } from '../port.ts'
import type { Connection } from './connection.ts'
import type { Newest } from './doorbell.ts'
import { type EntryReply, toEntry } from './entries.ts'
import type { EntryReader } from './entry-reader.ts'
import type { HeldShard } from './held-shard.ts'
import { NOBODY, shardHolder, shardOfHolder, WAITING } from './holders.ts'
import type { GroupKeys } from './keys.ts'
import { compareMessageIds } from './message-id.ts'
import { PagesAhead } from './pages-ahead.ts'
import { runScript } from './scripts.ts'

/** So many entries are routed in one step, at most: the server does nothing else meanwhile. */
const STEP = 500
/** A shard of which so many entries are pending holds up the routing: its member is too slow, or gone. */
const MOST_PENDING = 100_000
/** While another member routes, this one steps in when there was something to route for so long, in ms. */
const STEP_IN_MS = 15
/** Then it is tried again after so long, in ms. */
const WHEN_FULL_MS = 20
/** What others did to the group without a word, a seek, is noticed after so long, in ms. */
const LOOK_AGAIN_MS = 1_000
/** What a consumer that is no shard has left is looked for every so often, in ms. */
const LEFTOVERS_MS = 250

export interface RouterContext {
  readonly stream: string
  readonly group: string
  readonly keys: GroupKeys
  readonly connection: Connection
  readonly reader: EntryReader
  readonly options: ShardingOptions
}

/** How many entries are pending of each consumer of the group. */
export type PendingByConsumer = ReadonlyMap<string, number>

/** What was routed to a shard of the member's own, for it to hand out itself. */
export interface RoutedEntry {
  readonly held: HeldShard
  readonly entry: Entry
}

/** An entry that is to be routed, and where to. */
interface ForShard {
  readonly entry: Entry
  readonly shard: number
}

export type RouteOutcome =
  | { readonly kind: 'routed'; readonly given: readonly RoutedEntry[] }
  | { readonly kind: 'nothing' | 'moved' | 'leftovers' | 'full' }

/**
 * Cuts the log into shards, as it is handed out: whoever routes reads what the group has not handed out yet, and hands
 * each entry to its shard. Any member may, at any time: the step takes place only where the group stands. That they do
 * not all do the same work, whoever routed last goes on, and the others wait a moment for it.
 */
export class ShardRouter {
  readonly #context: RouterContext
  readonly #pages: PagesAhead<ForShard>
  readonly #id = randomUUID()
  /** Behind which id the group stands, as far as this member knows. */
  #standing: MessageId | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #leftoversAt = Number.NEGATIVE_INFINITY
  /** The last that was told of routing, and the last that this member told. */
  #heard: MessageId = '0-0'
  #told: MessageId = '0-0'
  #isAnotherRouting = false
  #waitsSince: number | undefined
  /** There was nothing to route up to this id, though it has been in the log. */
  #emptyUpTo: MessageId = '0-0'
  #fullUntil = 0
  /** Whether there was, most likely, more to route than was routed last. */
  hasMore = false
  /** True when no other member is in the group: nobody needs to be told. */
  isAlone = false
  /** Whether the member has shards to hand out of. Who has none routes nothing. */
  isNeeded = false

  constructor(context: RouterContext) {
    this.#context = context
    const toItem = (entry: Entry) => ({ entry, shard: this.#shardOf(entry) })
    this.#pages = new PagesAhead({ reader: context.reader, size: STEP, toItem })
  }

  /** Takes notice of what others routed meanwhile. */
  hear([, routed]: Newest): void {
    if (routed === undefined || routed === this.#heard) return
    this.#heard = routed
    this.#isAnotherRouting = routed !== this.#told
    this.#waitsSince = undefined
  }

  /** How long to wait, in ms, before it is this member's turn to route what there is. 0: now; infinite: there is nothing to route. */
  waitMs(newest: Newest): number {
    if (!this.isNeeded) return Number.POSITIVE_INFINITY
    const now = performance.now()
    if (this.#mustAsk(now)) return 0
    if (!this.#isAhead(endOf(newest))) {
      this.#waitsSince = undefined
      return Number.POSITIVE_INFINITY
    }
    if (!this.#isAnotherRouting) return Math.max(0, this.#fullUntil - now)
    this.#waitsSince ??= now
    return Math.max(0, this.#waitsSince + STEP_IN_MS - now, this.#fullUntil - now)
  }

  #mustAsk(now: number): boolean {
    return this.#standing === undefined || now - this.#askedAt > LOOK_AGAIN_MS
  }

  #isAhead(end: MessageId): boolean {
    if (this.#standing === undefined) return true
    return compareMessageIds(end, this.#standing) > 0 && compareMessageIds(end, this.#emptyUpTo) > 0
  }

  /** Routes the next entries. Those of the member's own shards it is given, where it has all that came before. */
  async route(held: ReadonlyMap<number, HeldShard>, newest: Newest): Promise<RouteOutcome> {
    if (this.#mustAsk(performance.now())) await this.#ask()
    const standing = this.#standing ?? '0-0'
    this.hasMore = false
    const routed = await this.#pages.behind(standing)
    if (routed.length === 0) {
      this.#emptyUpTo = endOf(newest)
      return { kind: 'nothing' }
    }
    const sections = [...Map.groupBy(routed, ({ shard }) => shard)].flatMap(([shard, ofShard]) =>
      sectionArguments(
        shard,
        ofShard.map(({ entry }) => entry.messageId),
        held.get(shard)
      )
    )
    const [kind, told, given] = await this.#step(standing, sections)
    this.#waitsSince = undefined
    if (kind === 'moved') this.#isAnotherRouting = true
    if (kind === 'full') this.#fullUntil = performance.now() + WHEN_FULL_MS
    if (kind !== 'routed') return { kind }
    this.#isAnotherRouting = false
    this.hasMore = this.#pages.hasMore
    if (told !== '') this.#told = told
    const shards = new Set(given.map(Number))
    for (const { shard } of routed) if (!shards.has(shard)) held.get(shard)?.missed()
    return {
      kind,
      given: routed.flatMap(({ entry, shard }) =>
        shards.has(shard) ? [{ entry, held: held.get(shard) as HeldShard }] : []
      )
    }
  }

  /** Asks where the group stands: a step that routes nothing to nowhere is answered so. */
  async #ask(): Promise<void> {
    await this.#step('', [])
  }

  async #step(
    standing: string,
    sections: readonly string[]
  ): Promise<[kind: 'routed' | 'moved' | 'leftovers' | 'full', told: string, given: string[]]> {
    const { connection, stream, group, keys } = this.#context
    const teller = this.isAlone ? '' : this.#id
    const args = [group, standing, String(MOST_PENDING), NOBODY, teller, WAITING, ...sections]
    const [kind, standsAt, told = '', given = []] = await runScript<
      ['routed' | 'moved' | 'leftovers' | 'full', string, string, string[]]
    >(connection, 'route', [stream, keys.sharding, keys.routed], args)
    this.#standing = standsAt
    this.#askedAt = performance.now()
    return [kind, told, given]
  }

  /** Routes what is pending and no shard's, where it is time to look for that. Resolves to whether there was any. */
  async routeLeftovers(pending: PendingByConsumer): Promise<boolean> {
    if (!this.#mayHaveLeftovers(pending)) return false
    const { connection, stream, group, keys, options } = this.#context
    const limits = [String(options.shards), String(Math.ceil(options.leaseMs)), String(STEP)]
    const leftovers = await runScript<[...EntryReply, consumer: string, deliveries: number][]>(
      connection,
      'leftovers',
      [stream, keys.delayed],
      [group, ...limits, NOBODY, WAITING]
    )
    if (leftovers.length === 0) return false
    const args = leftovers.flatMap(([id, fields, consumer, deliveries]) => {
      return [id, consumer, String(deliveries), shardHolder(this.#shardOf(toEntry([id, fields])))]
    })
    const told = [group, NOBODY, this.#id, ...args]
    this.#told = await runScript<string>(connection, 'routeLeftovers', [stream, keys.routed], told)
    return true
  }

  #mayHaveLeftovers(pending: PendingByConsumer): boolean {
    if (pending.has(NOBODY)) return true
    const now = performance.now()
    if (now - this.#leftoversAt < LEFTOVERS_MS) return false
    const shards = this.#context.options.shards
    const isLeft = [...pending.keys()].some((consumer) => !((shardOfHolder(consumer) ?? shards) < shards))
    if (isLeft) this.#leftoversAt = now
    return isLeft
  }

  #shardOf(entry: Entry): number {
    const { shards, shardOf } = this.#context.options
    const shard = shardOf(entry)
    if (Number.isSafeInteger(shard) && shard >= 0 && shard < shards) return shard
    throw new EventSystemError(
      'invalid_argument',
      `shardOf must answer a whole number from 0 to ${shards - 1}; for the entry ${entry.messageId} it answered ${shard}.`
    )
  }
}

/** Up to which id the log has been there. */
function endOf([newest = '0-0']: Newest): MessageId {
  return newest
}

/** What the script `route` takes of one shard. */
function sectionArguments(shard: number, ids: readonly MessageId[], held: HeldShard | undefined): string[] {
  const isOwn = held !== undefined && !held.isSurplus
  const own = isOwn ? [held.holder.tenure, held.last] : ['', '0-0']
  return [shardHolder(shard), String(shard), ...own, String(ids.length), ...ids]
}
