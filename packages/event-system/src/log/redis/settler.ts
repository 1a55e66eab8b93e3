import type { Hold, MessageId, Settlement, SettlementResult } from '../port.ts'
import type { Connection } from './connection.ts'
import { letterWithId, toStoredLetter } from './dead-letters.ts'
import { type GroupKeys, groupKeys, type LogKeys } from './keys.ts'
import type { ResolvedRedisLogOptions } from './options.ts'
import { runScript } from './scripts.ts'
import { acknowledgeArguments, type Holder, settleArguments } from './settlements.ts'

/** So many holds, or settlements, go into one call, at most: the server does nothing else meanwhile. */
const HOLDS_STEP = 2_000
const SETTLEMENTS_STEP = 100

export interface HeldSettlement {
  readonly holder: Holder
  readonly settlement: Settlement
}

/** Settles what is held in a group, by consumers that share entry by entry and by those that share shard by shard. */
export class Settler {
  readonly #group: string
  readonly #connection: Connection
  readonly #keys: GroupKeys
  readonly #log: LogKeys
  readonly #options: Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'ledgerRetentionMs'>

  constructor(
    group: string,
    connection: Connection,
    log: LogKeys,
    options: Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'ledgerRetentionMs'>
  ) {
    this.#group = group
    this.#connection = connection
    this.#keys = groupKeys(log.stream, group)
    this.#log = log
    this.#options = options
  }

  /** Resolves to the ids whose hold was lost. */
  async acknowledge(
    batches: readonly { readonly holder: Holder; readonly holds: readonly Hold[] }[]
  ): Promise<MessageId[]> {
    const steps: string[][] = []
    let step: string[] | undefined
    let size = 0
    for (const { holder, holds } of batches) {
      for (let from = 0; from < holds.length; ) {
        if (step === undefined || size >= HOLDS_STEP) {
          step = [this.#group]
          steps.push(step)
          size = 0
        }
        const part = holds.slice(from, from + HOLDS_STEP - size)
        step.push(...acknowledgeArguments(holder, part))
        size += part.length
        from += part.length
      }
    }
    const { notes, amended, sharding } = this.#keys
    const keys = [this.#log.stream, notes, amended, sharding]
    const lost = await all(steps.map((args) => runScript<string[]>(this.#connection, 'acknowledge', keys, args)))
    return lost.flat()
  }

  async settle(settlements: readonly HeldSettlement[]): Promise<SettlementResult[]> {
    const args = settlements.map(({ holder, settlement }) => settleArguments(holder, this.#group, settlement))
    const results: SettlementResult[] = []
    for (let from = 0; from < args.length; from += SETTLEMENTS_STEP) {
      const replies = await this.#settleSome(args.slice(from, from + SETTLEMENTS_STEP).flat())
      for (const [i, reply] of replies.entries()) {
        results.push(this.#toResult(settlements[from + i] as HeldSettlement, reply))
      }
    }
    return results
  }

  #settleSome(args: readonly string[]): Promise<(string | null)[]> {
    const { stream, deduplication, deadLetters } = this.#log
    const { notes, amended, sharding, ledger } = this.#keys
    const keys = [stream, ...deduplication, notes, amended, sharding, ...ledger, deadLetters]
    const { deduplicationWindowMs, ledgerRetentionMs } = this.#options
    const head = [this.#group, String(deduplicationWindowMs), String(ledgerRetentionMs)]
    return runScript<(string | null)[]>(this.#connection, 'settle', keys, [...head, ...args])
  }

  #toResult({ settlement: { messageId, outcome } }: HeldSettlement, reply: string | null): SettlementResult {
    if (reply === null) return { kind: 'lost' }
    if (outcome.kind !== 'dead') return { kind: 'settled' }
    return { kind: 'settled', letter: letterWithId(toStoredLetter(outcome.letter, this.#group, messageId), reply) }
  }
}

/** As Promise.all, but waits for every call before it rejects: none is left behind that nobody waits for. */
async function all<Result>(calls: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(calls)
  return Promise.all(calls)
}
