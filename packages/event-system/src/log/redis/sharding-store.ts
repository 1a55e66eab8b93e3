import { EventSystemError } from '@tradpal/events'
import type { Hold } from '../port.ts'
import type { ShardingState } from '../sharding/index.ts'
import type { Connection } from './connection.ts'
import { shardHolder } from './holders.ts'
import { runScript } from './scripts.ts'

/** So often a step is tried again when others store theirs first. */
const MOST_ATTEMPTS = 100

/** What a step is taken from. */
export interface ShardingSituation {
  readonly state: ShardingState | null
  /** The server's clock, ms since the epoch. */
  readonly now: number
  /** How many entries of the group are pending. */
  readonly pending: number
}

export interface ShardingStep {
  readonly state: ShardingState
  /** True when the group is cut into other shards than before, or for the first time after other shards were lost. */
  readonly cutsAnew?: boolean
  /** Deliveries that are given back uncounted, of which shard. */
  readonly givenBack?: readonly (Hold & { readonly shard: number })[]
}

/** Where the state of a group's sharding is kept. Rejects with `not_found` without the group. */
export class ShardingStore {
  readonly #connection: Connection
  readonly #group: string
  /** The stream, and the group's sharding. */
  readonly #keys: readonly [stream: string, sharding: string]
  readonly #leaseMs: number

  constructor(
    connection: Connection,
    group: string,
    keys: readonly [stream: string, sharding: string],
    leaseMs: number
  ) {
    this.#connection = connection
    this.#group = group
    this.#keys = keys
    this.#leaseMs = leaseMs
  }

  /** Takes a step from the state that there is, and anew when another was stored meanwhile. */
  async change<Step extends ShardingStep>(step: (situation: ShardingSituation) => Step): Promise<Step> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const [text, now, pending] = await runScript<[string | null, number, number]>(
        this.#connection,
        'loadSharding',
        this.#keys,
        [this.#group]
      )
      const next = step({ state: parseSharding(text), now, pending })
      if (await this.#store(text ?? '', next)) return next
    }
    throw new EventSystemError(
      'log_busy',
      `The members of the group ${this.#group} changed its shards ${MOST_ATTEMPTS} times while this one tried to.`
    )
  }

  async #store(before: string, { state, cutsAnew = false, givenBack = [] }: ShardingStep): Promise<boolean> {
    const tenures = state.tenures.map(({ member, epoch }) => (member === null ? '' : tenureText(member, epoch)))
    const uncounted = givenBack.flatMap(({ shard, messageId, attempt }) => [
      shardHolder(shard),
      messageId,
      String(attempt)
    ])
    const head = [this.#group, before, JSON.stringify(state), String(this.#leaseMs), cutsAnew ? '1' : '0']
    const args = [...head, String(tenures.length), ...tenures, ...uncounted]
    return (await runScript<number>(this.#connection, 'storeSharding', this.#keys, args)) === 1
  }
}

export function parseSharding(text: string | null | undefined): ShardingState | null {
  return text == null ? null : (JSON.parse(text) as ShardingState)
}

/** What a shard's field says while a member has it: of two members, and of two times of one, never the same. */
export function tenureText(member: string, epoch: number): string {
  return `${epoch} ${member}`
}
