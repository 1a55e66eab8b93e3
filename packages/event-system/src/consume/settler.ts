import type { MessageId } from '../log/index.ts'
import type { AnyDelivery, Held } from './held.ts'
import { doneOf, type Settlement } from './settlement.ts'
import type { RepeatedEffect, SettlementResult } from './settling.ts'

/** Settlements that are written in one call. */
const SETTLED_AT_ONCE = 100

export interface SettlerParts {
  /** Resolves to the message ids of those that were lost. */
  readonly acknowledge: (deliveries: readonly AnyDelivery[]) => Promise<readonly MessageId[]>
  readonly settle: (settlements: readonly Settlement[]) => Promise<readonly SettlementResult[]>
  /** What became of an entry: it is out of hand, or lost. Of one that waits for its retry only the latter is told. */
  readonly onSettled: (held: Held, result: SettlementResult) => void
  /** Told of the effects of an entry whose event ids the log had before. */
  readonly onRepeated: (held: Held, repeated: readonly RepeatedEffect[]) => void
  /** Waits for as long as the next try should wait, and resolves to whether there should be one. */
  readonly onFailure: (error: unknown) => Promise<boolean>
}

interface Ended {
  readonly held: Held
  /** Undefined: it is done, and there is nothing more to say. */
  readonly settlement: Settlement | undefined
}

const SETTLED: SettlementResult = { kind: 'settled' }
const LOST: SettlementResult = { kind: 'lost' }

/**
 * Gathers what became of deliveries: one call to the log is on its way at a time, and what ends meanwhile goes with the
 * next, in the order in which it ended. So an event is never settled before one of its key that was handled before it, and
 * none is acknowledged before its handlers are done.
 */
export class Settler {
  readonly #parts: SettlerParts
  #ended: Ended[] = []
  #added = 0
  #sent = 0
  /** One call to the log, and the wait after one that failed. */
  #sending: Promise<void> | undefined

  constructor(parts: SettlerParts) {
    this.#parts = parts
  }

  acknowledge(held: Held): void {
    this.#add({ held, settlement: undefined })
  }

  settle(held: Held, settlement: Settlement): void {
    this.#add({ held, settlement })
  }

  /** Resolves when all that was added so far is settled, or rejects with what keeps it from being. */
  async flush(): Promise<void> {
    const upTo = this.#added
    while (this.#sent < upTo && this.#sending !== undefined) await this.#sending
    while (this.#sent < upTo && this.#ended.length > 0) await this.#sendNext()
  }

  #add(ended: Ended): void {
    this.#ended.push(ended)
    this.#added++
    this.#sending ??= this.#send()
  }

  async #send(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    const goesOn = await this.#sendNext().then(
      () => true,
      (error) => this.#parts.onFailure(error)
    )
    this.#sending = goesOn && this.#ended.length > 0 ? this.#send() : undefined
  }

  /** One call to the log. What fails stays, to be sent again first. */
  async #sendNext(): Promise<void> {
    const hasMore = this.#ended.some(({ settlement }) => settlement !== undefined)
    const batch = this.#ended.splice(0, hasMore ? SETTLED_AT_ONCE : this.#ended.length)
    try {
      const results = await (hasMore ? this.#settle(batch) : this.#acknowledge(batch))
      this.#sent += batch.length
      for (const [i, ended] of batch.entries()) this.#tell(ended, results[i] ?? LOST)
    } catch (error) {
      this.#ended = [...batch, ...this.#ended]
      throw error
    }
  }

  #tell({ held, settlement }: Ended, result: SettlementResult): void {
    if (result.kind === 'settled' && result.repeated !== undefined) this.#parts.onRepeated(held, result.repeated)
    if (settlement?.outcome.kind !== 'retry' || result.kind === 'lost') this.#parts.onSettled(held, result)
  }

  #settle(batch: readonly Ended[]): Promise<readonly SettlementResult[]> {
    return this.#parts.settle(batch.map(({ held, settlement }) => settlement ?? doneOf(held.delivery)))
  }

  async #acknowledge(batch: readonly Ended[]): Promise<SettlementResult[]> {
    const lost = new Set(await this.#parts.acknowledge(batch.map(({ held }) => held.delivery)))
    return batch.map(({ held }) => (lost.has(held.messageId) ? LOST : SETTLED))
  }
}
