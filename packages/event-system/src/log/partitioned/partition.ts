import type { Entry, MessageId } from '../port.ts'
import { type Deaths, formatRecord, type PartitionRecord, type Stretch, type Suspects } from './record.ts'

/** An owner begins with this number of unfinished entries at most, and doubles it as it needs more; behind one that died, once it has finished something. */
const FIRST_ALLOWANCE = 16
/** A partition hands out nothing more while its record has this number of stretches: it stays small. */
const MOST_STRETCHES = 4_096
/** And while it has this number of entries in flight. */
const MOST_UNFINISHED = 100_000
/** A partition that has this number of entries waiting to be handed out takes in no more. */
const ENOUGH_WAITING = 256

/** This number of owners that died at one cursor makes its entries suspects. */
const DEATHS_TO_SUSPECT = 2
/** An owner has died with this suspect in flight: from this attempt on, it is handed out without other suspects. */
export const DANGEROUS_ATTEMPT = 3

/** An entry of a partition that is not finished. */
export interface Unfinished {
  readonly messageId: MessageId
  /** A position just before the entry: nothing of the partition stands between the two. */
  readonly behind: MessageId
  /** Grows in log order. Undefined: it was requeued. */
  readonly order: number | undefined
  /** Undefined once it is handed out: the receiver has it. */
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
  readonly deaths: Deaths | undefined
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
  /** In log order: waiting or handed out. Everything else up to {@link readTo} is finished, and so is what {@link #ahead} says. */
  readonly #unfinished = new Map<MessageId, Unfinished>()
  readonly #requeued = new Map<MessageId, Unfinished>()
  /** Of entries that are not read yet. */
  readonly #notes: Map<MessageId, string>
  /** To be handed out next, the requeued ones first. */
  #waiting: Unfinished[] = []
  #handedOut = 0
  #nextOrder = 0
  /** Stretches behind {@link readTo}, or around it, that an earlier owner finished. */
  #ahead: readonly Stretch[]
  #stretches = 0
  /** The last of the finished entries. */
  #top: { readonly messageId: MessageId; readonly order: number }
  #readTo: MessageId
  #kept: Kept
  /** Entries that the last owner may have begun: it did not leave. */
  #maybeBegun: Suspects | undefined
  #stored: { readonly cursor: MessageId; readonly record: string | null }

  constructor({ partition, epoch, owner, cursor, record, newest, compare }: PartitionStart) {
    this.partition = partition
    this.epoch = epoch
    this.#compare = compare
    this.#stored = { cursor, record: formatRecord(record) }
    this.#readTo = cursor
    this.#ahead = record.finished
    this.#notes = new Map(Object.entries(record.notes))
    this.#top = { messageId: this.#readTo, order: this.#nextOrder++ }
    this.#kept = { owner, allowance: FIRST_ALLOWANCE, ...careFor(record, cursor, newest) }
    const isInherited = record.owner !== null && newest !== null
    this.#maybeBegun = isInherited ? { left: record.allowance, upTo: newest } : undefined
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
    let stretch = 0
    for (const { entry, behind } of entries) {
      const { messageId } = entry
      if (this.#compare(messageId, this.#readTo) <= 0) continue
      while (this.#ends(stretch, messageId)) stretch++
      const [after] = this.#ahead[stretch] ?? []
      const isFinished = after !== undefined && this.#compare(messageId, after) > 0
      if (isFinished) this.#top = { messageId, order: this.#nextOrder++ }
      else this.#add({ messageId, behind, entry })
    }
    this.#readTo = to
    this.#ahead = this.#ahead.filter(([, upTo]) => this.#compare(upTo, to) > 0)
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

  /** Whether there is such a stretch, and it ends before the entry. */
  #ends(stretch: number, messageId: MessageId): boolean {
    const [, upTo] = this.#ahead[stretch] ?? []
    return upTo !== undefined && this.#compare(upTo, messageId) < 0
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
    const most = this.#kept.deaths === undefined ? MOST_UNFINISHED : FIRST_ALLOWANCE
    const room = this.#stretches >= MOST_STRETCHES ? 0 : Math.min(limit, isOneByOne ? 1 : limit, most - this.#handedOut)
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
      one.attempt = this.#kept.attempts.get(one.messageId) ?? this.#firstAttempt(one)
      one.state = 'handed out'
    }
    this.#handedOut += entries.length
    const handed = new Set(entries)
    this.#waiting = this.#waiting.filter((one) => !handed.has(one))
  }

  #firstAttempt({ messageId, order }: Unfinished): number {
    const begun = this.#maybeBegun
    if (begun === undefined || order === undefined) return 1
    const isBegun = begun.left > 0 && this.#compare(messageId, begun.upTo) <= 0
    this.#maybeBegun = isBegun ? { ...begun, left: begun.left - 1 } : undefined
    return isBegun ? 2 : 1
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

  #step({ kept: wanted, done = [], noted = new Map() }: Partial<Step> & Pick<Step, 'kept'>): Step {
    const gone = new Set(done)
    let top = this.#top
    for (const { messageId, order } of done) if (order !== undefined && order > top.order) top = { messageId, order }
    const finished: Stretch[] = []
    const notes: Record<MessageId, string> = Object.fromEntries(this.#notes)
    let first: Unfinished | undefined
    let before: Unfinished | undefined
    for (const one of this.#unfinished.values()) {
      if (gone.has(one)) continue
      first ??= one
      if (before !== undefined && hasBetween(before, one)) finished.push([before.messageId, one.behind])
      before = one
      const note = noted.get(one) ?? one.note
      if (note !== undefined) notes[one.messageId] = note
    }
    const lastOrder = before?.order ?? top.order
    const isAhead = before !== undefined && this.#ahead[0]?.[0] === before.messageId
    if (before !== undefined && top.order > lastOrder && !isAhead) finished.push([before.messageId, top.messageId])
    this.#stretches = finished.length
    const cursor = first?.behind ?? this.#readTo
    const kept = cursor === wanted.deaths?.at ? wanted : { ...wanted, deaths: undefined }
    const record = formatRecord({
      owner: kept.owner,
      allowance: kept.allowance,
      finished: [...finished, ...this.#ahead],
      notes,
      attempts: Object.fromEntries(kept.attempts),
      ...(kept.deaths !== undefined && { deaths: kept.deaths }),
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

/** Whether finished entries of the partition stand between the two. */
function hasBetween({ order: before = 0 }: Unfinished, { order: after = 0 }: Unfinished): boolean {
  return after > before + 1
}

/** What an owner must take care of where the last one did not give the partition up. */
function careFor(
  { owner, allowance, attempts, deaths: before, suspects }: PartitionRecord,
  at: MessageId,
  newest: MessageId | null
): Pick<Kept, 'deaths' | 'suspects' | 'attempts'> {
  if (owner === null) return { deaths: undefined, suspects, attempts: new Map(Object.entries(attempts)) }
  const deaths = { at, count: before?.at === at ? before.count + 1 : 1 }
  const areSuspect = deaths.count >= DEATHS_TO_SUSPECT && newest !== null
  return {
    deaths,
    suspects: suspects ?? (areSuspect ? { left: allowance, upTo: newest } : undefined),
    attempts: new Map(Object.entries(attempts).map(([id, count]) => [id, count + 1]))
  }
}

function without(attempts: ReadonlyMap<MessageId, number>, done: readonly Unfinished[]): Map<MessageId, number> {
  const rest = new Map(attempts)
  for (const { messageId } of done) rest.delete(messageId)
  return rest
}
