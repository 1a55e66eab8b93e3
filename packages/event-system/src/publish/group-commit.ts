import { backoffMs, type Clock, EventSystemError, isRetryable } from '@tradpal/events'
import type { AppendEntry, AppendResult, Storage } from '../log/index.ts'
import { type Circuit, CircuitOpenError } from './circuit.ts'
import type { Parcel } from './parcel.ts'
import { behindError, lateError, refuse } from './refusal.ts'
import type { Spool } from './spool/index.ts'

/** A batch is closed at so many entries: a larger one gains nothing at the log, and leaves it idle while the publishers take up their answers. */
const MAX_BATCH = 250
/** Or at so many characters. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024
/** So many batches may be on their way at once: the log works on one while the next travels. */
const MAX_IN_FLIGHT = 4
/** The wait before a batch is sent again: short, for its callers wait, and not so short that a blink of the network counts as an outage. */
const BACKOFF = { initialMs: 50, maxMs: 400 }
const LEAST_PAUSE_MS = 30
/** What failed is not sent again with less time left: hardly any log answers by then, and all that go with it would have no more. */
const LEAST_TIME_MS = 10
/** After a turn with so many the first of the next one goes with the others. */
const BUSY = 5

export interface GroupCommitParts {
  readonly storage: Storage
  readonly circuit: Circuit
  readonly clock: Clock
  readonly random: () => number
  /** An event id that comes again within so long is appended once, in ms. What may be in the log is not sent again after that. */
  readonly deduplicationWindowMs: number
  readonly spool?: Spool | undefined
}

/**
 * Gathers what is offered at the same moment into one append (group commit), in the order in which it was offered. The
 * first of a turn of the event loop goes when its caller's own work ends, unless the last turn was a busy one; what the turn
 * brings after it, from other callers and other sockets, goes together at the turn's end. So a lone publisher waits for nobody, a busy service appends
 * once a turn, and a log that answers synchronously starves nobody.
 *
 * A batch that failed, and may succeed later, is sent again before anything else, one batch at a time, until its callers'
 * time is up: so the order stays. An append whose answer was lost is asked about in the same way: deduplication tells.
 */
export class GroupCommit {
  readonly #parts: GroupCommitParts
  #waiting: Parcel[] = []
  /** Batches that are to be sent again, by the order in which they were sent. */
  #failed: { readonly order: number; readonly batch: readonly Parcel[] }[] = []
  #sent = 0
  #inFlight = 0
  #spooling = 0
  /** In a row. */
  #failures = 0
  #pause: { readonly until: number; readonly abort: AbortController } | undefined
  #scheduled = false
  #offeredInThisTurn = 0
  #sentInThisTurn = false
  #isBusy = false
  #idle: (() => void)[] = []

  constructor(parts: GroupCommitParts) {
    this.#parts = parts
  }

  offer(parcel: Parcel): void {
    this.#waiting.push(parcel)
    if (this.#offeredInThisTurn++ === 0) setImmediate(this.#turnEnded)
    if (this.#pause === undefined) this.#schedule()
    else if (parcel.deadline < this.#pause.until) this.#pauseUntil(parcel.deadline)
  }

  /** Resolves when everything offered so far is answered, well or not. */
  async drain(): Promise<void> {
    while (this.#waiting.length + this.#failed.length + this.#inFlight + this.#spooling > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#mostInFlight()) return
    this.#scheduled = true
    const isLone = this.#inFlight === 0 && !this.#sentInThisTurn && !this.#isBusy
    if (isLone) queueMicrotask(this.#flush)
    else setImmediate(this.#flush)
  }

  /** What comes behind a failure must not overtake: nothing goes before what failed is taken up, and then one at a time, until one succeeds. */
  #mostInFlight(): number {
    if (this.#failed.length > 0) return 0
    return this.#failures === 0 ? MAX_IN_FLIGHT : 1
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    if (this.#pause !== undefined) return
    // What is on its way may have to be sent again, before these go anywhere else.
    if (this.#inFlight > 0 && !this.#parts.circuit.isClosed) return
    if (this.#failures > 0) this.#giveUpWhatIsLate()
    this.#sortOut()
    while (this.#waiting.length > 0 && this.#inFlight < this.#mostInFlight()) {
      const batch = this.#takeBatch()
      if (batch.length > 0) this.#send(batch)
    }
    // When all of them were refused, nobody is left whose answer would say so.
    this.#goOn()
  }

  /** The next that go together. Those that have waited too long are not sent: what nobody waits for would be in the log. */
  #takeBatch(): readonly Parcel[] {
    const now = this.#parts.clock.now()
    const batch: Parcel[] = []
    const late: Parcel[] = []
    let taken = 0
    let entries = 0
    let bytes = 0
    for (const parcel of this.#waiting) {
      if (parcel.deadline <= now) late.push(parcel)
      else {
        entries += parcel.entries.length
        bytes += parcel.bytes
        const isAlone = parcel.expected !== undefined
        if (batch.length > 0 && (isAlone || entries > MAX_BATCH || bytes > MAX_BATCH_BYTES)) break
        batch.push(parcel)
        if (isAlone) {
          taken++
          break
        }
      }
      taken++
    }
    this.#waiting = this.#waiting.slice(taken)
    this.#giveUp(late)
    return batch
  }

  #send(batch: readonly Parcel[]): void {
    if (this.#offeredInThisTurn > 0) this.#sentInThisTurn = true
    const order = this.#sent++
    const entries = batch.length === 1 ? (batch[0] as Parcel).entries : together(batch)
    this.#inFlight++
    const { storage, circuit, clock } = this.#parts
    const sentAt = clock.now()
    const deadline = batch.reduce((least, parcel) => Math.min(least, parcel.deadline), Number.POSITIVE_INFINITY)
    const timeoutMs = Math.max(1, Math.ceil(deadline - sentAt))
    const expected = batch[0]?.expected
    const options = expected === undefined ? { timeoutMs } : { timeoutMs, expected }
    circuit
      .run(() => storage.log.append(entries, options))
      .then(
        (results) => this.#onSuccess(batch, results),
        (error) => this.#onFailure(batch, error, { order, sentAt })
      )
  }

  #onSuccess(batch: readonly Parcel[], results: readonly AppendResult[]): void {
    if (this.#failed.length === 0) this.#failures = 0
    let at = 0
    for (const { entries, resolve } of batch) {
      resolve({ kind: 'appended', results, at })
      at += entries.length
    }
    this.#onAnswer()
  }

  #onFailure(batch: readonly Parcel[], error: unknown, { order, sentAt }: { order: number; sentAt: number }): void {
    const mayPass = isRetryable(error) && !(error instanceof CircuitOpenError)
    if (error instanceof EventSystemError && error.code === 'log_timeout') {
      const until = this.#parts.clock.now()
      for (const parcel of batch) parcel.unknown = { sentAt: parcel.unknown?.sentAt ?? sentAt, until }
    }
    if (!mayPass) for (const parcel of batch) refuse(parcel, error)
    else {
      this.#failures++
      this.#failed.push({ order, batch })
    }
    this.#onAnswer()
  }

  /** Whatever the last of those on their way became: what failed before it is taken up then. */
  #onAnswer(): void {
    this.#inFlight--
    if (this.#inFlight === 0 && this.#failed.length > 0) this.#takeUpFailed()
    this.#goOn()
  }

  /** What failed goes first, in the order in which it was sent. */
  #takeUpFailed(): void {
    const failed = this.#failed.sort((one, other) => one.order - other.order).flatMap(({ batch }) => batch)
    this.#failed = []
    this.#waiting = [...failed, ...this.#waiting]
    const { clock, circuit, random } = this.#parts
    if (circuit.isClosed) this.#pauseUntil(clock.now() + LEAST_PAUSE_MS + backoffMs(this.#failures, BACKOFF, random))
  }

  /** Nothing is sent before; but whose time is up earlier is told so then. */
  #pauseUntil(until: number): void {
    const { clock } = this.#parts
    this.#pause?.abort.abort()
    const first = this.#waiting.reduce((least, { deadline }) => Math.min(least, deadline), until)
    const pause = { until: first, abort: new AbortController() }
    this.#pause = pause
    const goOn = () => {
      if (this.#pause !== pause) return
      this.#pause = undefined
      this.#flush()
    }
    clock.sleep(Math.max(0, first - clock.now()), pause.abort.signal).then(goOn, () => {})
  }

  /** Those whose time is nearly up, and those that would not be recognised any more if they were in the log. */
  #giveUpWhatIsLate(): void {
    const now = this.#parts.clock.now()
    const late: Parcel[] = []
    const inTime: Parcel[] = []
    for (const parcel of this.#waiting) {
      if (parcel.deadline - now < LEAST_TIME_MS || this.#isBeyondAsking(parcel)) late.push(parcel)
      else inTime.push(parcel)
    }
    this.#waiting = inTime
    this.#giveUp(late)
  }

  /** It is asked about by another append, which the log may take as late as its deadline is. */
  #isBeyondAsking({ unknown, deadline }: Parcel): boolean {
    return unknown !== undefined && deadline - unknown.sentAt >= this.#parts.deduplicationWindowMs
  }

  #giveUp(late: readonly Parcel[]): void {
    const { spool, circuit } = this.#parts
    const spooled = late.filter(({ maySpool }) => maySpool)
    for (const parcel of spooled) spool?.reserve(parcel)
    for (const parcel of late) if (!parcel.maySpool) refuse(parcel, lateError(circuit))
    void this.#toSpool(spooled)
  }

  /** While the log fails, and where older events of a key are in the spool, its events go there too, or are refused. */
  #sortOut(): void {
    const { spool, circuit } = this.#parts
    if (spool === undefined || (circuit.isClosed && spool.isEmpty)) return
    const stays: Parcel[] = []
    const spooled: Parcel[] = []
    for (const parcel of this.#waiting) {
      const isBehind = spool.holds(parcel)
      if (!isBehind && (circuit.isClosed || !parcel.maySpool)) stays.push(parcel)
      else if (parcel.maySpool) {
        spool.reserve(parcel)
        spooled.push(parcel)
      } else refuse(parcel, behindError())
    }
    this.#waiting = stays
    void this.#toSpool(spooled)
  }

  async #toSpool(parcels: readonly Parcel[]): Promise<void> {
    const { spool } = this.#parts
    if (spool === undefined || parcels.length === 0) return
    this.#spooling++
    await spool.put(parcels)
    this.#spooling--
    this.#goOn()
  }

  readonly #turnEnded = (): void => {
    this.#isBusy = this.#offeredInThisTurn >= BUSY
    this.#offeredInThisTurn = 0
    this.#sentInThisTurn = false
  }

  #goOn(): void {
    if (this.#waiting.length > 0) this.#schedule()
    else if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function together(batch: readonly Parcel[]): AppendEntry[] {
  const all: AppendEntry[] = []
  for (const { entries } of batch) for (const entry of entries) all.push(entry)
  return all
}
