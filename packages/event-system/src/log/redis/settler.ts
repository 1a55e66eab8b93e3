import type { AppendEntry, Hold, MessageId, RepeatedEffect, Settlement, SettlementResult } from '../port.ts'
import type { Appender } from './appender.ts'
import type { Connection } from './connection.ts'
import { letterWithId, toStoredLetter } from './dead-letters.ts'
import { type GroupKeys, groupKeys, type LogKeys, textKeys } from './keys.ts'
import type { ResolvedRedisLogOptions } from './options.ts'
import { runScript } from './scripts.ts'
import { acknowledgeArguments, type Holder, settleArguments } from './settlements.ts'

/** So many holds, or settlements, go into one call, at most: the server does nothing else meanwhile. */
const HOLDS_STEP = 2_000
const SETTLEMENTS_STEP = 100

/** What consumers hold, each of which is one holder's. */
type Batches = readonly { readonly holder: Holder; readonly holds: readonly Hold[] }[]

export interface HeldSettlement {
  readonly holder: Holder
  readonly settlement: Settlement
}

/** Of a settlement whose hold was there, '' or its letter's id; and where events of its effects were there already, the place and the message id of each. */
type SettleReply = string | null | [letter: string, ...repeated: (number | string)[]]

/** What settling goes by. */
export type SettlerOptions = Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'ledgerRetentionMs'>

/** Settles what is held in a group, by consumers that share entry by entry and by those that share shard by shard. */
export class Settler {
  readonly #group: string
  readonly #connection: Connection
  readonly #appender: Appender
  readonly #keys: GroupKeys
  readonly #log: LogKeys
  readonly #options: SettlerOptions

  constructor(
    group: string,
    { connection, appender }: { connection: Connection; appender: Appender },
    log: LogKeys,
    options: SettlerOptions
  ) {
    this.#group = group
    this.#connection = connection
    this.#appender = appender
    this.#keys = groupKeys(log, group)
    this.#log = log
    this.#options = options
  }

  /** Resolves to the ids whose hold was lost. */
  async acknowledge(batches: Batches): Promise<MessageId[]> {
    const { sharding } = this.#keys
    const lost = await all(
      stepsOf(batches).map((step) =>
        runScript<string[]>(
          this.#connection,
          'acknowledge',
          [this.#log.stream, ...textKeys(this.#keys), sharding],
          [this.#group, ...step.flatMap(({ holder, holds }) => acknowledgeArguments(holder, holds))]
        )
      )
    )
    return lost.flat()
  }

  async settle(settlements: readonly HeldSettlement[]): Promise<SettlementResult[]> {
    const results: SettlementResult[] = []
    for (let from = 0; from < settlements.length; from += SETTLEMENTS_STEP) {
      const some = settlements.slice(from, from + SETTLEMENTS_STEP)
      const replies = await this.#settleSome(some)
      for (const [i, reply] of replies.entries()) results.push(this.#toResult(some[i] as HeldSettlement, reply))
    }
    return results
  }

  async #settleSome(settlements: readonly HeldSettlement[]): Promise<SettleReply[]> {
    const { stream, deduplication, deadLetters } = this.#log
    const { sharding, ledger } = this.#keys
    const keys = [stream, ...deduplication, ...textKeys(this.#keys), sharding, ...ledger, deadLetters]
    const { deduplicationWindowMs, ledgerRetentionMs } = this.#options
    const args = [this.#group, String(deduplicationWindowMs), String(ledgerRetentionMs)]
    for (const { holder, settlement } of settlements) args.push(...settleArguments(holder, this.#group, settlement))
    const hasEffects = settlements.some(({ settlement }) => (settlement.effects ?? []).length > 0)
    const writer = hasEffects ? this.#appender.writer : this.#connection
    return runScript<SettleReply[]>(writer, 'settle', keys, args)
  }

  #toResult({ settlement }: HeldSettlement, reply: SettleReply): SettlementResult {
    if (reply === null) return { kind: 'lost' }
    const { messageId, outcome, effects = [] } = settlement
    const [letterId, ...repeated] = typeof reply === 'string' ? [reply] : reply
    return {
      kind: 'settled',
      ...(outcome.kind === 'dead' && {
        letter: letterWithId(toStoredLetter(outcome.letter, this.#group, messageId), letterId)
      }),
      ...(repeated.length > 0 && { repeated: repeatedOf(effects, repeated) })
    }
  }
}

/** `places`: for each the number of its effects, its own in them, and its message id. */
function repeatedOf(effects: Settlement['effects'], places: readonly (number | string)[]): RepeatedEffect[] {
  const repeated: RepeatedEffect[] = []
  for (let i = 0; i < places.length; i += 3) {
    const entry = effects?.[Number(places[i])]?.append[Number(places[i + 1])] as AppendEntry
    repeated.push({ entry, messageId: String(places[i + 2]) })
  }
  return repeated
}

/** Cuts batches into steps of a bounded number of holds. */
function stepsOf(batches: Batches): Batches[] {
  const steps: { holder: Holder; holds: readonly Hold[] }[][] = []
  let room = 0
  for (const { holder, holds } of batches) {
    for (let from = 0; from < holds.length; ) {
      if (room === 0) {
        steps.push([])
        room = HOLDS_STEP
      }
      const part = holds.slice(from, from + room)
      steps.at(-1)?.push({ holder, holds: part })
      room -= part.length
      from += part.length
    }
  }
  return steps
}

/** As Promise.all, but waits for every call before it rejects: none is left behind that nobody waits for. */
async function all<Result>(calls: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(calls)
  return Promise.all(calls)
}
