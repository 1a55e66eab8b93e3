import { randomUUID } from 'node:crypto'
import { type Clock, EventSystemError, newEventId } from '@tradpal/events'
import { type EventCodec, likenessOf, type TextVault } from '../../codec/index.ts'
import type { AppendEntry, AppendResult, Entry, MessageId, Storage } from '../../log/index.ts'
import { diagnostics, type Logger, pause, type SpooledMessage } from '../../runtime/index.ts'
import type { Circuit } from '../circuit.ts'
import { type Parcel, together } from '../parcel.ts'
import { refuse } from '../refusal.ts'
import { SpoolContents } from './contents.ts'
import { CURSOR, Drain } from './drain.ts'
import { recordsOf } from './read-spool.ts'
import { decodeRecord, encodeRecord, RECORD } from './record.ts'
import { RefusedEvents } from './refused.ts'

/** The lease of the store that says whose the spool is. */
const LEASE = 'spool'
/** A process that has not renewed for so long has left the spool, in ms. */
const LEASE_MS = 2_000

export interface SpoolParts {
  /** Where the events wait: an embedded log of its own. The spool starts and closes it. */
  readonly store: Storage
  /** Where they belong, and how they are stored there. */
  readonly storage: Storage
  readonly codec: EventCodec
  /** Seals what the spool keeps of the events beside their payloads. Default: it stands there as it is. */
  readonly vault?: TextVault | undefined
  readonly circuit: Circuit
  /** Of the payloads. Beyond it `spool_full` is the answer. */
  readonly maxBytes: number
  /** Of the log, in ms. */
  readonly deduplicationWindowMs: number
  readonly timeoutMs: number
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
}

/** What waits in the spool. */
export interface SpoolStats {
  readonly location: string
  readonly events: number
  /** Characters of the payloads, refused events included, and the most that the spool takes. */
  readonly bytes: number
  readonly maxBytes: number
  /** Since the oldest was published, in ms. `null` with none. */
  readonly oldestMs: number | null
  /** Since the start: how many events were put in, and how many of all were brought into the log. */
  readonly spooled: number
  readonly drained: number
  /** Events that will never come into the log, because their event ids stand for other events there. They are kept until an operator discards them. */
  readonly refused: number
}

/** The events of one process that the log did not take in time, on its disk. */
export class Spool {
  readonly #parts: SpoolParts
  readonly #contents = new SpoolContents()
  readonly #refused: RefusedEvents
  readonly #holder = randomUUID()
  #isOursUntil = 0
  #token = 0
  readonly #drain: Drain
  readonly #stop = new AbortController()
  #spooled = 0
  #lastPut: Promise<void> = Promise.resolve()
  #loops: Promise<unknown> = Promise.resolve()
  #isOpen = false

  constructor(parts: SpoolParts) {
    this.#parts = parts
    const { store, storage, codec, vault, circuit, deduplicationWindowMs, timeoutMs, logger, clock, random } = parts
    this.#refused = new RefusedEvents(store, clock)
    this.#drain = new Drain({
      store,
      fence: () => ({ lease: LEASE, token: this.#token }),
      mustBeOurs: () => this.#mustBeOurs(),
      target: { storage, codec, circuit, deduplicationWindowMs, timeoutMs },
      contents: this.#contents,
      refused: this.#refused,
      vault,
      logger,
      clock,
      random,
      stop: this.#stop.signal
    })
  }

  /** Opens it, and begins to bring into the log what is there. Rejects with `log_busy` when another process has it, and as the store does. */
  async start(): Promise<void> {
    if (this.#isOpen) return
    const { store, logger, vault } = this.#parts
    await store.start()
    await store.cursors.create(CURSOR, 'start', { guards: false })
    await this.#mustBeAlone()
    for await (const { record } of recordsOf(store, vault)) this.#contents.add(record)
    await this.#refused.load()
    const { events, bytes } = this.#contents
    if (events > 0) logger.warn({ events, bytes }, 'events wait in the spool since the last run; they come first')
    const { events: refused } = await this.#refused.count()
    if (refused > 0) logger.warn({ refused }, 'the log refused events of the spool for good; an operator has to look')
    this.#isOpen = true
    this.#loops = Promise.all([this.#keepLease(), this.#drain.run()])
  }

  /** Of one that died, the lease ends by itself. */
  async #mustBeAlone(): Promise<void> {
    const { clock, store } = this.#parts
    for (let waitedMs = 0; waitedMs <= 2 * LEASE_MS; waitedMs += LEASE_MS / 10) {
      if (await this.#renew()) return
      await clock.sleep(LEASE_MS / 10)
    }
    const message = `Another process uses the spool at ${store.location}; give each its own EVENT_SPOOL_PATH.`
    throw new EventSystemError('log_busy', message)
  }

  /** Resolves to whether it is ours. */
  async #renew(): Promise<boolean> {
    const asked = this.#parts.clock.now()
    const [token] = await this.#parts.store.leases.acquire([LEASE], { holder: this.#holder, ttlMs: LEASE_MS })
    if (token === undefined) return false
    this.#token = token
    this.#isOursUntil = asked + LEASE_MS
    return true
  }

  /** A process that was frozen cannot know before it has renewed. */
  #mustBeOurs(): void {
    if (this.#parts.clock.now() < this.#isOursUntil) return
    throw new EventSystemError('log_busy', 'This process was frozen: whether the spool is still its own is not known.')
  }

  /** What another took over while this process was frozen is no place to put anything: nobody here would bring it into the log. */
  async #mustStillBeOurs(): Promise<void> {
    if (this.#parts.clock.now() >= this.#isOursUntil) await this.#renew()
    this.#mustBeOurs()
  }

  async #keepLease(): Promise<void> {
    const { clock, logger } = this.#parts
    while (await pause(clock, LEASE_MS / 4, this.#stop.signal)) {
      await this.#renew().catch((error) => logger.error({ err: error }, 'the spool cannot be read'))
    }
  }

  get isEmpty(): boolean {
    return this.#contents.isEmpty
  }

  /** Whether events wait here that come before these. */
  holds(parcel: Parcel): boolean {
    return this.#contents.holds(parcel)
  }

  /** From now on events of its keys are here. To be {@link put} at once. */
  reserve(parcel: Parcel): void {
    this.#contents.add(parcel)
  }

  /** Puts parcels that were reserved on the disk, in order, each as one record, and answers their callers. */
  put(parcels: readonly Parcel[]): Promise<void> {
    // The store may take two appends of one moment in either order.
    this.#lastPut = this.#lastPut.then(() => this.#putNow(parcels))
    return this.#lastPut
  }

  async #putNow(parcels: readonly Parcel[]): Promise<void> {
    const { storage, store } = this.#parts
    let fitting = parcels
    try {
      const { bytes } = await this.#refused.count()
      fitting = parcels.filter((parcel) => this.#fits(parcel, bytes))
      await this.#mustStillBeOurs()
      const askedAt = this.#parts.clock.now()
      const results = await store.log.append(fitting.map((parcel) => this.#recordOf(parcel, idOf(parcel.entries))))
      for (const [i, parcel] of fitting.entries()) {
        const { messageId, duplicate } = results[i] as AppendResult
        if (duplicate) await this.#putRepeated(parcel, messageId, askedAt)
        else this.#onPut(parcel, messageId)
      }
      this.#drain.wake()
      const events = fitting.reduce((sum, { entries }) => sum + entries.length, 0)
      diagnostics.spooled.publish({ storage, events } satisfies SpooledMessage)
    } catch (error) {
      for (const parcel of fitting) this.#refuse(parcel, error)
      if (this.isEmpty) this.#askTheLog()
    }
  }

  #onPut(parcel: Parcel, messageId: MessageId): void {
    this.#spooled += parcel.entries.length
    parcel.resolve({ kind: 'spooled', spoolId: `spool:${messageId}`, duplicate: false })
  }

  #refuse(parcel: Parcel, error: unknown): void {
    this.#contents.remove(parcel)
    refuse(parcel, error)
  }

  /**
   * Of one whose event id was put before: the same event is not put twice while it waits. Any other is put as well, for the drain to
   * compare it with what the log has then. That may have the first since it was put: where its record is gone, at most a
   * deduplication window before the store was asked, for the store knew its event id still.
   */
  async #putRepeated(parcel: Parcel, first: MessageId, askedAt: number): Promise<void> {
    const { store, clock, deduplicationWindowMs } = this.#parts
    try {
      const [record] = await store.log.get([first])
      if (await this.#isSame(parcel, record)) {
        this.#contents.remove(parcel)
        parcel.resolve({ kind: 'spooled', spoolId: `spool:${first}`, duplicate: true })
        return
      }
      const sentAt = record?.appendedAt ?? askedAt - deduplicationWindowMs
      parcel.unknown = together(parcel.unknown, { sentAt, until: clock.now() })
      const [result] = await store.log.append([this.#recordOf(parcel, newEventId())])
      this.#onPut(parcel, (result as AppendResult).messageId)
    } catch (error) {
      this.#refuse(parcel, error)
    }
  }

  #recordOf(parcel: Parcel, eventId: string): AppendEntry {
    return { eventId, eventType: RECORD, payload: encodeRecord(parcel, this.#parts.vault) }
  }

  /** Whether the record is the same event. False too when nobody can tell. */
  async #isSame({ entries: [entry] }: Parcel, record: Entry | undefined): Promise<boolean> {
    const { codec, vault } = this.#parts
    if (record === undefined || entry === undefined) return false
    const [first] = decodeRecord(record.payload, vault).entries
    const payloads = [entry.payload, first?.payload ?? null] as const
    // What it needs may be in the log, which is away.
    await codec.prepareDecoding?.(payloads)?.catch(() => {})
    return likenessOf(...payloads, codec) === 'same'
  }

  /** Nothing is sent to a log that fails, and it is the drain that finds out when it answers again: with nothing to drain, and nowhere to put anything, nobody would. */
  #askTheLog(): void {
    const { circuit, storage } = this.#parts
    circuit.run(() => storage.ping()).catch(() => {})
  }

  /** The bytes of the parcel are counted already. */
  #fits(parcel: Parcel, refusedBytes: number): boolean {
    const { maxBytes } = this.#parts
    const bytes = this.#contents.bytes + refusedBytes
    if (this.#isOpen && bytes <= maxBytes) return true
    this.#contents.remove(parcel)
    refuse(parcel, this.#isOpen ? this.#full(bytes) : this.#notOpen())
    return false
  }

  #full(bytes: number): EventSystemError {
    const { maxBytes, store } = this.#parts
    const held = `holds ${bytes} of ${maxBytes} bytes (EVENT_SPOOL_MAX_BYTES)`
    const message = `The log cannot be reached, and the spool at ${store.location} ${held}; nothing was kept.`
    return new EventSystemError('spool_full', message)
  }

  #notOpen(): EventSystemError {
    const message = `The spool at ${this.#parts.store.location} is not open: await the publisher's start().`
    return new EventSystemError('not_started', message)
  }

  async stats(): Promise<SpoolStats> {
    const { store, maxBytes, clock } = this.#parts
    const { events, bytes } = this.#contents
    const refused = await this.#refused.count()
    const first = events === 0 ? undefined : await store.log.read({ limit: 1, eventTypes: [RECORD] })
    const oldest = first?.entries[0]
    const oldestMs = oldest === undefined ? null : Math.max(0, clock.now() - oldest.appendedAt)
    return {
      location: store.location,
      events,
      bytes: bytes + refused.bytes,
      maxBytes,
      oldestMs,
      spooled: this.#spooled,
      drained: this.#drain.drained,
      refused: refused.events
    }
  }

  /** Stops bringing events into the log: what is left waits on the disk for the next start. Idempotent. */
  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#stop.abort()
    await this.#loops
    await this.#parts.store.leases.release([LEASE], this.#holder)
    await this.#parts.store.close({ timeoutMs })
  }
}

/** One event is put once. What was published together has no id of its own. */
function idOf(entries: readonly AppendEntry[]): string {
  return entries.length === 1 ? (entries[0]?.eventId as string) : newEventId()
}
