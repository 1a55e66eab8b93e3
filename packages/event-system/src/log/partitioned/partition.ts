import type { Entry, MessageId } from '../port.ts'
import { formatRecord, type PartitionRecord, type Suspects } from './record.ts'

/** An owner begins with this number of unfinished entries at most, and doubles it as it needs more. */
const FIRST_ALLOWANCE = 16
/** A partition has at most this number of unfinished entries in flight: what it keeps of them stays small. */
const MOST_UNFINISHED = 4_096
/** A partition that has this number of entries waiting to be handed out takes in no more. */
const ENOUGH_WAITING = 256

/** Two owners have died with the entry in flight: from this attempt on, it is handed out without other suspects. */
export const DANGEROUS_ATTEMPT = 3

/** An entry of a partition that is not finished. */
export interface Unfinished {
  readonly messageId: MessageId
  /** A position just before the entry: nothing of the partition stands between the two. */
  readonly behind: MessageId
  /** Grows in log order. Undefined: it was requeued. */
  readonly order: number | undefined
  /** Undefined where the entry is known by its id only. */
  entry: Entry | undefined
  attempt: number
  note: string | undefined
  state: 'waiting' | 'handed out'
}

export interface PartitionStart {
  readonly partition: number
  readonly epoch: number
  readonly owner: string
  /** What the log has of it. */
  readonly cursor: MessageId
  readonly record: PartitionRecord
  /** The newest entry of the log; null in an empty one. */
  readonly newest: MessageId | null
  readonly compare: (a: MessageId, b: MessageId) => number
}

/** What the log is to have of the partition once a step is committed; and what the partition does then. */
export interface Step {
  /** Undefined: the cursor stays. */
  readonly cursor: MessageId | undefined
  /** `null` removes the record; undefined: it stays. */
  readonly record: string | null | undefined
  readonly done: readonly Unfinished[]
  readonly noted: ReadonlyMap<Unfinished, string>
  readonly kept: Kept
}

/** A step of its own is to be committed before the entries are handed out, where it writes something. */
export interface HandOut {
  readonly entries: readonly Unfinished[]
  readonly step: Step
}

/** What is written down of an owner, beside the entries. */
interface Kept {
  readonly owner: string | null
  readonly allowance: number
  readonly suspects: Suspects | undefined
  readonly attempts: ReadonlyMap<MessageId, number>
}

/**
 * A partition in the hands of its owner: which entries are finished, waiting and handed out. It has no clock and no I/O. Each change
 * that the log must know is a {@link Step}: the owner commits the step and then calls {@link apply}. One step is on its way at a time.
 */
export class Partition {
  readonly partition: number
  readonly epoch: number
  readonly #compare: (a: MessageId, b: MessageId) => number
  /** In log order: waiting or handed out. Everything else up to {@link readTo} is finished. */
  readonly #unfinished = new Map<MessageId, Unfinished>()
  readonly #requeued = new Map<MessageId, Unfinished>()
  /** Of entries that are not read yet. */
  readonly #notes: Map<MessageId, string>
  /** To be handed out next, the requeued ones first. */
  #waiting: Unfinished[] = []
  #handedOut = 0
  #nextOrder = 0
  /** The last of the finished entries. */
  #top: { readonly messageId: MessageId; readonly order: number }
  #readTo: MessageId
  #kept: Kept
  #stored: { readonly cursor: MessageId; readonly record: string | null }

  constructor({ partition, epoch, owner, cursor, record, newest, compare }: PartitionStart) {
    this.partition = partition
    this.epoch = epoch
    this.#compare = compare
    this.#stored = { cursor, record: formatRecord(record) }
    this.#readTo = record.unfinished.length === 0 ? cursor : (record.finishedTo ?? cursor)
    let behind = cursor
    this.#notes = new Map(Object.entries(record.notes))
    for (const messageId of record.unfinished) {
      this.#add({ messageId, behind, entry: undefined })
      behind = messageId
    }
    this.#top = { messageId: this.#readTo, order: this.#nextOrder++ }
    this.#kept = { owner, allowance: FIRST_ALLOWANCE, ...whatMayHaveBegun(record, newest) }
  }

  /** Everything up to here is taken in. */
  get readTo(): MessageId {
    return this.#readTo
  }

  get wantsMore(): boolean {
    return this.#waiting.length < ENOUGH_WAITING
  }

  /** Whether an entry could be handed out, as far as the partition itself can tell. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** The next of those that are known by their ids only. */
  unread(limit: number): Unfinished[] {
    return this.#waiting.slice(0, limit).filter(({ entry }) => entry === undefined)
  }

  /** What was handed out, now or by an earlier owner, and is not finished. */
  get pending(): Unfinished[] {
    const ofLog = [...this.#unfinished.values()].filter((one) => one.state === 'handed out' || this.#isBelowTop(one))
    return [...ofLog, ...[...this.#requeued.values()].filter(({ state }) => state === 'handed out')]
  }

  /** Everything up to here is handed out or finished. */
  get handedOutTo(): MessageId {
    return this.#waiting.find(({ order }) => order !== undefined)?.behind ?? this.#readTo
  }

  /** Entries of the partition, of a page that begins at or before {@link readTo}; all up to `to` are taken in. */
  takeIn(entries: readonly { readonly entry: Entry; readonly behind: MessageId }[], to: MessageId): void {
    if (this.#compare(to, this.#readTo) <= 0) return
    for (const { entry, behind } of entries) {
      if (this.#compare(entry.messageId, this.#readTo) <= 0) continue
      this.#add({ messageId: entry.messageId, behind, entry })
    }
    this.#readTo = to
    for (const id of this.#notes.keys()) if (this.#compare(id, to) <= 0) this.#notes.delete(id)
  }

  /** An entry that was requeued. Nothing happens while the partition has the entry unfinished. */
  requeue(entry: Entry, note: string | undefined): void {
    const { messageId } = entry
    if (this.#requeued.has(messageId) || this.#unfinished.has(messageId)) return
    const one: Unfinished = {
      messageId,
      behind: messageId,
      order: undefined,
      entry,
      attempt: 1,
      note,
      state: 'waiting'
    }
    this.#requeued.set(messageId, one)
    const first = this.#waiting.findIndex(({ order }) => order !== undefined)
    this.#waiting.splice(first === -1 ? this.#waiting.length : first, 0, one)
  }

  #add(one: Pick<Unfinished, 'messageId' | 'behind' | 'entry'>): void {
    const note = this.#notes.get(one.messageId)
    this.#notes.delete(one.messageId)
    const unfinished: Unfinished = { ...one, order: this.#nextOrder++, attempt: 1, note, state: 'waiting' }
    this.#unfinished.set(one.messageId, unfinished)
    // A delivery of an entry that was requeued stands for both.
    if (!this.#requeued.has(one.messageId)) this.#waiting.push(unfinished)
  }

  /** The entry of a delivery that is in flight: handed out in this epoch and not finished. */
  inFlight(messageId: MessageId, epoch: number): Unfinished | undefined {
    if (epoch !== this.epoch) return undefined
    const requeued = this.#requeued.get(messageId)
    const one = requeued?.state === 'handed out' ? requeued : this.#unfinished.get(messageId)
    return one?.state === 'handed out' ? one : undefined
  }

  /** What may be handed out now, at most `limit`. While there are suspects, one entry at a time, but for those that have survived a handler. */
  handOut(limit: number): HandOut {
    const next = this.#waiting[0]
    const kept = this.#withoutPassedSuspects(next)
    const isOneByOne = kept.suspects !== undefined
    const room = Math.min(limit, isOneByOne ? 1 : limit, MOST_UNFINISHED - this.#handedOut)
    const mustWait = isOneByOne && next?.note === undefined && this.#hasUnprovenInFlight()
    const entries = mustWait || next === undefined ? [] : this.#waiting.slice(0, Math.max(0, room))
    const counted = entries.length === 0 ? this.#kept : this.#counting(entries, kept)
    return { entries, step: counted === this.#kept ? this.#noStep() : this.#step({ kept: counted }) }
  }

  #withoutPassedSuspects(next: Unfinished | undefined): Kept {
    const { suspects } = this.#kept
    if (suspects === undefined || next?.order === undefined) return this.#kept
    const isPassed = this.#compare(next.messageId, suspects.upTo) > 0
    return isPassed ? { ...this.#kept, suspects: undefined } : this.#kept
  }

  /** Whether the next entry may have ended an owner that did not leave. */
  get hasSuspects(): boolean {
    return this.#withoutPassedSuspects(this.#waiting[0]).suspects !== undefined
  }

  /** Whether the next entry has been there when owners died, and must be handed out without other suspects. */
  get isNextDangerous(): boolean {
    const next = this.#waiting[0]
    return next !== undefined && this.hasSuspects && (this.#kept.attempts.get(next.messageId) ?? 0) >= DANGEROUS_ATTEMPT
  }

  /** The attempt of a suspect that is in flight and has survived no handler yet; 0 for none. */
  get suspectInFlight(): number {
    if (this.#handedOut === 0) return 0
    const suspect = [...this.#kept.attempts.keys()]
      .map((messageId) => this.inFlight(messageId, this.epoch))
      .find((one) => one !== undefined && one.note === undefined)
    return suspect?.attempt ?? 0
  }

  #hasUnprovenInFlight(): boolean {
    if (this.#handedOut === 0) return false
    const isUnproven = ({ state, note }: Unfinished) => state === 'handed out' && note === undefined
    return [...this.#unfinished.values()].some(isUnproven) || [...this.#requeued.values()].some(isUnproven)
  }

  #counting(entries: readonly Unfinished[], kept: Kept): Kept {
    let { allowance } = kept
    while (allowance < this.#handedOut + entries.length) allowance *= 2
    if (kept.suspects === undefined) return allowance === kept.allowance ? kept : { ...kept, allowance }
    const attempts = new Map(kept.attempts)
    for (const { messageId, order } of entries) {
      if (!attempts.has(messageId)) attempts.set(messageId, order === undefined ? 1 : 2)
    }
    return { ...kept, allowance, attempts }
  }

  /** Hands the entries out. Called once the step is committed. */
  applyHandOut({ entries, step }: HandOut): void {
    this.apply(step)
    for (const one of entries) {
      one.attempt = this.#kept.attempts.get(one.messageId) ?? 1
      one.state = 'handed out'
    }
    this.#handedOut += entries.length
    const handed = new Set(entries)
    this.#waiting = this.#waiting.filter((one) => !handed.has(one))
  }

  /** These are finished, and those are noted; the rest stays. Without any: what the log should know by now. */
  finish(these: readonly Unfinished[], noted: ReadonlyMap<Unfinished, string> = new Map()): Step {
    const done = these.flatMap((one) => this.#withItsCopy(one))
    const { attempts, suspects } = this.#kept
    const proven = [...done, ...[...noted.keys()].filter(({ note }) => note === undefined)]
    const cleared = suspects === undefined ? 0 : proven.filter(({ messageId }) => attempts.has(messageId)).length
    const left = (suspects?.left ?? 0) - cleared
    const kept: Kept = {
      ...this.#kept,
      suspects: suspects === undefined || left <= 0 ? undefined : { ...suspects, left },
      attempts: done.some(({ messageId }) => attempts.has(messageId)) ? without(attempts, done) : attempts
    }
    return this.#step({ done, noted, kept })
  }

  /** The delivery of a requeued entry stands for the entry of the log, too. */
  #withItsCopy(one: Unfinished): Unfinished[] {
    const copy = one.order === undefined ? this.#unfinished.get(one.messageId) : undefined
    return copy === undefined ? [one] : [one, copy]
  }

  /** The owner hands out nothing more: it gives the partition up in order. */
  release(): Step {
    return this.#step({ kept: { ...this.#kept, owner: null } })
  }

  /** Called once the step is committed. */
  apply({ cursor, record, done, noted, kept }: Step): void {
    this.#kept = kept
    this.#stored = {
      cursor: cursor ?? this.#stored.cursor,
      record: record === undefined ? this.#stored.record : record
    }
    for (const one of done) this.#forget(one)
    for (const [one, note] of noted) one.note = note
  }

  /** The log has these entries no more: they count as finished. */
  drop(gone: readonly Unfinished[]): void {
    for (const one of gone) this.#forget(one)
    const dropped = new Set(gone)
    this.#waiting = this.#waiting.filter((one) => !dropped.has(one))
  }

  #forget(one: Unfinished): void {
    if (one.state === 'handed out') this.#handedOut--
    if (one.order === undefined) this.#requeued.delete(one.messageId)
    else this.#unfinished.delete(one.messageId)
    if (one.order !== undefined && one.order > this.#top.order)
      this.#top = { messageId: one.messageId, order: one.order }
  }

  #isBelowTop({ order }: Unfinished): boolean {
    return order !== undefined && order < this.#top.order
  }

  #noStep(): Step {
    return { cursor: undefined, record: undefined, done: [], noted: new Map(), kept: this.#kept }
  }

  #step({ kept, done = [], noted = new Map() }: Partial<Step> & Pick<Step, 'kept'>): Step {
    const gone = new Set(done)
    let top = this.#top
    for (const { messageId, order } of done) if (order !== undefined && order > top.order) top = { messageId, order }
    const holes: MessageId[] = []
    const notes: Record<MessageId, string> = Object.fromEntries(this.#notes)
    let first: Unfinished | undefined
    let isOpenBehindTop = false
    for (const one of this.#unfinished.values()) {
      if (gone.has(one)) continue
      first ??= one
      if (one.order !== undefined && one.order < top.order) holes.push(one.messageId)
      else isOpenBehindTop = true
      const note = noted.get(one) ?? one.note
      if (note !== undefined) notes[one.messageId] = note
    }
    const cursor = first?.behind ?? this.#readTo
    const record = formatRecord({
      owner: kept.owner,
      allowance: kept.allowance,
      finishedTo: isOpenBehindTop ? top.messageId : this.#readTo,
      unfinished: holes,
      notes,
      attempts: Object.fromEntries(kept.attempts),
      ...(kept.suspects !== undefined && { suspects: kept.suspects })
    })
    return {
      cursor: cursor === this.#stored.cursor ? undefined : cursor,
      record: record === this.#stored.record ? undefined : record,
      done,
      noted,
      kept
    }
  }
}

/** What the next owner must take care of, when the last one did not give the partition up. */
function whatMayHaveBegun(record: PartitionRecord, newest: MessageId | null): Pick<Kept, 'suspects' | 'attempts'> {
  const wasLeft = record.owner === null
  const attempts = Object.entries(record.attempts).map(([id, count]) => [id, wasLeft ? count : count + 1] as const)
  const found = wasLeft || newest === null ? undefined : { left: record.allowance, upTo: newest }
  return { attempts: new Map(attempts), suspects: record.suspects ?? found }
}

function without(attempts: ReadonlyMap<MessageId, number>, done: readonly Unfinished[]): Map<MessageId, number> {
  const rest = new Map(attempts)
  for (const { messageId } of done) rest.delete(messageId)
  return rest
}
