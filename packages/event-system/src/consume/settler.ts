import type { MessageId, RepeatedEffect, SettlementResult } from '../log/index.ts'
import type { AnyDelivery, Held } from './held.ts'
import { type AnySettlement, doneOf } from './settlement.ts'

/** Where deliveries are settled. */
export interface Settling {
  acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]>
  settle(settlements: readonly AnySettlement[]): Promise<readonly SettlementResult[]>
}

export interface SettlerParts {
  readonly to: Settling
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
  readonly settlement: AnySettlement | undefined
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

  settle(held: Held, settlement: AnySettlement): void {
    this.#add({ held, settlement })
  }

  /** Resolves when all that was added so far is settled, or rejects with what keeps it from being. */
  async flush(): Promise<void> {
    const upTo = this.#added
    while (this.#sent < upTo && this.#sending !== undefined) await this.#sending
    if (this.#sent < upTo) await this.#sendAll()
  }

  #add(ended: Ended): void {
    this.#ended.push(ended)
    this.#added++
    this.#sending ??= this.#send()
  }

  async #send(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    const goesOn = await this.#sendAll().then(
      () => true,
      (error) => this.#parts.onFailure(error)
    )
    this.#sending = goesOn && this.#ended.length > 0 ? this.#send() : undefined
  }

  /** What fails stays, to be sent again first. */
  async #sendAll(): Promise<void> {
    const batch = this.#ended
    this.#ended = []
    try {
      const results = await (batch.some(({ settlement }) => settlement !== undefined)
        ? this.#parts.to.settle(batch.map(({ held, settlement }) => settlement ?? doneOf(held)))
        : this.#acknowledge(batch))
      this.#sent += batch.length
      for (const [i, { held, settlement }] of batch.entries()) {
        const result = results[i] ?? LOST
        if (result.kind === 'settled' && result.repeated !== undefined) this.#parts.onRepeated(held, result.repeated)
        if (settlement?.outcome.kind !== 'retry' || result.kind === 'lost') this.#parts.onSettled(held, result)
      }
    } catch (error) {
      this.#ended = [...batch, ...this.#ended]
      throw error
    }
  }

  async #acknowledge(batch: readonly Ended[]): Promise<SettlementResult[]> {
    const lost = new Set(await this.#parts.to.acknowledge(batch.map(({ held }) => held.delivery)))
    return batch.map(({ held }) => (lost.has(held.messageId) ? LOST : SETTLED))
  }
}
