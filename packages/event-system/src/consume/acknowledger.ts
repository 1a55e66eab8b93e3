import { EventSystemError } from '@tradpal/events'
import type { EventCodec } from '../codec/index.ts'
import type { DeadLetter } from '../dead-letters/index.ts'
import type { Storage } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import { warnOfDroppedEffects } from './dropped-effects.ts'
import { type Held, takenOver } from './held.ts'
import type { InFlight } from './in-flight.ts'
import type { Recovery } from './recovery.ts'
import { type EndRefusedParts, endRefused, isRefusal } from './refusals.ts'
import { reportDeadLetter } from './reports.ts'
import { doneOf, type Settlement } from './settlement.ts'
import { type SettlementResult, settle } from './settling.ts'

/** Settlements that are written in one call. */
const SETTLED_AT_ONCE = 100

export interface AcknowledgerParts extends EndRefusedParts {
  readonly storage: Storage
  readonly codec: EventCodec
  readonly logger: Logger
  readonly inFlight: InFlight
  readonly recovery: Recovery
}

interface Ended {
  readonly held: Held
  /** Undefined: it is done, and there is nothing more to say. */
  readonly settlement: Settlement | undefined
}

/** `left`: the log refused its settlement, and it is pending without being in flight. */
type Result = SettlementResult | { readonly kind: 'left'; readonly reason: EventSystemError }

const SETTLED: SettlementResult = { kind: 'settled' }
const LOST: SettlementResult = { kind: 'lost' }

/**
 * Writes to the log how deliveries ended, in batches: one call is on its way at a time, and deliveries that end meanwhile go with
 * the next one, in the order in which they ended. So no delivery is settled before one of its key that was handled before it, and
 * none is acknowledged before its handlers are done.
 */
export class Acknowledger {
  readonly #parts: AcknowledgerParts
  #ended: Ended[] = []
  #added = 0
  #sent = 0
  #settled = 0
  /** The number of the first that are sent one by one: together they were refused. */
  #alone = 0
  /** One call to the log, and the wait after one that failed. */
  #sending: Promise<void> | undefined

  constructor(parts: AcknowledgerParts) {
    this.#parts = parts
  }

  /** How many deliveries were settled so far. */
  get settled(): number {
    return this.#settled
  }

  /** Without a settlement the delivery is done, and there is nothing more to say. */
  add(held: Held, settlement: Settlement | undefined): void {
    this.#ended.push({ held, settlement })
    this.#added++
    this.#sending ??= this.#send()
  }

  /** Resolves when all that was added so far is settled, or rejects with what keeps it from being. */
  async flush(): Promise<void> {
    const upTo = this.#added
    while (this.#sent < upTo && this.#sending !== undefined) await this.#sending
    while (this.#sent < upTo && this.#ended.length > 0) await this.#sendNext()
  }

  async #send(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    const goesOn = await this.#sendNext().then(
      () => true,
      (error) => this.#parts.recovery.after('settle', error)
    )
    this.#sending = goesOn && this.#ended.length > 0 ? this.#send() : undefined
  }

  /** One call to the log. A batch that fails stays, to be sent again first; one that the log refuses, one by one. */
  async #sendNext(): Promise<void> {
    const batch = this.#ended.splice(0, this.#batchSize)
    let results: readonly Result[]
    try {
      results = await this.#write(batch)
    } catch (error) {
      this.#ended = [...batch, ...this.#ended]
      if (!isRefusal(error)) throw error
      this.#alone = batch.length
      return
    }
    this.#sent += batch.length
    this.#alone = Math.max(0, this.#alone - batch.length)
    this.#apply(batch, results)
  }

  get #batchSize(): number {
    if (this.#alone > 0) return 1
    return this.#ended.some(hasSettlement) ? SETTLED_AT_ONCE : this.#ended.length
  }

  async #write(batch: readonly Ended[]): Promise<readonly Result[]> {
    try {
      return await (batch.some(hasSettlement) ? this.#settle(batch) : this.#acknowledge(batch))
    } catch (error) {
      const [one, ...others] = batch
      if (one === undefined || others.length > 0 || !isRefusal(error)) throw error
      return [await this.#endRefused(one, error)]
    }
  }

  /** The refusal is of this delivery alone. */
  async #endRefused({ held, settlement }: Ended, refusal: EventSystemError): Promise<Result> {
    const result = await endRefused(settlement ?? doneOf(held.delivery), refusal, this.#parts)
    const { messageId } = held
    if (result === undefined) {
      const sentence = 'the log refused to write how the handling of an event ended; it is handed out again'
      this.#parts.logger.warn({ messageId, err: refusal }, sentence)
      return { kind: 'left', reason: refusal }
    }
    this.#parts.logger.warn({ messageId, err: refusal }, 'the log refused to write how the handling of an event ended')
    return result
  }

  #settle(batch: readonly Ended[]): Promise<readonly SettlementResult[]> {
    const settlements = batch.map(({ held, settlement }) => settlement ?? doneOf(held.delivery))
    return settle(settlements, this.#parts)
  }

  async #acknowledge(batch: readonly Ended[]): Promise<SettlementResult[]> {
    const lost = new Set(await this.#parts.settling.acknowledge(batch.map(({ held }) => held.delivery)))
    return batch.map(({ held }) => (lost.has(held.messageId) ? LOST : SETTLED))
  }

  #apply(batch: readonly Ended[], results: readonly Result[]): void {
    const { inFlight } = this.#parts
    const settled: Held[] = []
    for (const [i, { held, settlement }] of batch.entries()) {
      const result = results[i] ?? LOST
      if (result.kind === 'lost') inFlight.lost(held, takenOver(held))
      else if (result.kind === 'left') inFlight.lost(held, result.reason)
      else {
        if (settlement?.outcome.kind !== 'retry') settled.push(held)
        // Its retry was refused.
        else if (result.letter !== undefined) inFlight.lost(held, givenUp(held))
        if (result.repeated !== undefined) void warnOfDroppedEffects(held, result.repeated, this.#parts)
        if (result.letter !== undefined) this.#tellOf(result.letter)
      }
    }
    this.#settled += settled.length
    inFlight.settled(settled)
  }

  #tellOf(letter: DeadLetter): void {
    const { kind, messageId, attempts, lastError } = letter
    const { logger, storage } = this.#parts
    const { message: reason, stack } = lastError
    logger.error({ messageId, kind, attempts, reason, ...(stack && { stack }) }, 'an event went to the dead letters')
    reportDeadLetter(storage, letter)
  }
}

function hasSettlement({ settlement }: Ended): boolean {
  return settlement !== undefined
}

function givenUp({ messageId }: Held): EventSystemError {
  return new EventSystemError('delivery_lost', `${messageId} went to the dead letters: its retry could not be written.`)
}
