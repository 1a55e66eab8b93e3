import { type Clock, EventSystemError, systemClock } from '@tradpal/events'
import { type TextVault, toAttachment } from '../codec/index.ts'
import { type Document, partitionedGroup, type Storage, type Unit, type UnitResult, type Write } from '../log/index.ts'
import type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterCause,
  DeadLetterFilter,
  NewDeadLetter,
  Operator
} from './dead-letter.ts'
import { fingerprintOf } from './fingerprint.ts'
import {
  ACTIONS,
  behindAllOf,
  CAUSES,
  causeId,
  DEAD_LETTERS,
  GrowingUuids,
  groupIn,
  leastUuidAt,
  prefixOf,
  uuidIn
} from './ids.ts'
import { groupsWithDeadLetters, lettersOf } from './pages.ts'
import { openAction, openLetter, prepareLetters, sealLetter, sealReason } from './sealing.ts'

/** Documents that are read at once where conditions have to be looked at in each. */
const PAGE = 200
/** Bytes of a dead letter: the record of what is done with it quotes it, and is a document of at most 16 MiB too. */
const LARGEST = 15 * 1_048_576

export interface DeadLettersParts {
  readonly storage: Pick<Storage, 'collections' | 'commit' | 'log' | 'partitioned'>
  /** Seals what dead letters quote of events. Default: nothing is sealed. */
  readonly vault?: TextVault | undefined
  readonly clock?: Clock
}

export type ListedPage = DeadLetterFilter & { readonly after?: string; readonly limit: number }

/** A dead letter, and what a unit writes to put it here. */
export interface NewlyDead {
  readonly letter: DeadLetter
  readonly writes: readonly Write[]
}

/** The dead letters of a log, oldest first, and the record of what operators did to them. */
export class DeadLetters {
  readonly #storage: DeadLettersParts['storage']
  readonly #vault: TextVault | undefined
  readonly #clock: Clock
  readonly #uuids = new GrowingUuids()

  constructor({ storage, vault, clock = systemClock }: DeadLettersParts) {
    this.#storage = storage
    this.#vault = vault
    this.#clock = clock
  }

  /** Resolves to each dead letter with what a unit has to write, beside the acknowledgement. Rejects with what the log says when keys cannot be brought. */
  async prepare(letters: readonly NewDeadLetter[]): Promise<NewlyDead[]> {
    if (this.#vault !== undefined) await prepareLetters(letters, this.#vault)
    return letters.map((letter) => this.#prepared(letter))
  }

  #prepared(wanted: NewDeadLetter): NewlyDead {
    const { uuid, ms: deadAt } = this.#uuids.next(this.#clock.now())
    const letter = {
      ...wanted,
      id: `${prefixOf(wanted.group)}${uuid}`,
      fingerprint: fingerprintOf(wanted),
      deadAt
    }
    const stored = this.#vault === undefined ? letter : sealLetter(letter, this.#vault)
    return {
      letter,
      writes: [
        { collection: DEAD_LETTERS, id: letter.id, value: textOf(stored), expected: 0 },
        { collection: CAUSES, id: causeId(letter, letter.id), value: '', expected: 0 }
      ]
    }
  }

  /** A page of at most `limit` dead letters that match, behind the one with the id `after`. A page shorter than `limit` is the last. */
  async list({ after, limit, ...filter }: ListedPage): Promise<DeadLetter[]> {
    const found: DeadLetter[] = []
    const page = isNarrow(filter) ? PAGE : limit
    for await (const letter of this.#matching(filter, after, page)) {
      found.push(letter)
      if (found.length === limit) break
    }
    if (this.#vault !== undefined) await prepareLetters(found, this.#vault)
    return found.map((letter) => this.#opened(letter))
  }

  /** How many dead letters match. Of a group, or all, it costs the same however many there are; each other condition is looked at in each. */
  async count(filter: DeadLetterFilter = {}): Promise<number> {
    const { group, fingerprint, since, until, ...conditions } = filter
    if (since === undefined && until === undefined && !isNarrow(conditions)) {
      const prefix = group === undefined ? '' : prefixOf(group)
      if (fingerprint === undefined) return this.#storage.collections.count(DEAD_LETTERS, prefix)
      if (group !== undefined) return this.#storage.collections.count(CAUSES, `${prefix}${fingerprint}~`)
    }
    let count = 0
    for await (const _ of this.#matching(filter, undefined, PAGE)) count++
    return count
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const document = await this.#document(id)
    if (document === undefined) return undefined
    const letter = letterIn(document)
    if (this.#vault !== undefined) await prepareLetters([letter], this.#vault)
    return this.#opened(letter)
  }

  /** The dead letters of a group, or of all, by cause: how many have it, and the oldest. Its cost follows the number of causes. */
  async causes({ group }: Pick<DeadLetterFilter, 'group'> = {}): Promise<DeadLetterCause[]> {
    const { collections } = this.#storage
    const prefix = group === undefined ? '' : prefixOf(group)
    const causes: DeadLetterCause[] = []
    let after: string | undefined
    for (;;) {
      const [first] = await collections.list(CAUSES, { prefix, limit: 1, ...(after !== undefined && { after }) })
      if (first === undefined) return causes
      const ofCause = first.id.slice(0, first.id.lastIndexOf('~') + 1)
      const ofGroup = groupIn(first.id)
      const [count, oldest] = await Promise.all([
        collections.count(CAUSES, ofCause),
        this.get(`${prefixOf(ofGroup)}${uuidIn(first.id)}`)
      ])
      // It was moved a moment ago, and the next time another is the oldest.
      if (oldest !== undefined) causes.push({ group: ofGroup, fingerprint: oldest.fingerprint, count, oldest })
      after = behindAllOf(first.id)
    }
  }

  /**
   * Puts an entry back to the group that failed, to nobody else, as if it was never delivered, removes the dead letter and records the
   * action, in one step: the next of the group to claim gets it, with attempt 1 and the note. With `payload` the group gets that
   * instead of the entry's, until it has acknowledged it; so it does with what it was given before. Rejects with `not_found` when there is no such dead
   * letter or its group is gone, and with `entry_trimmed`; both keep it.
   */
  requeue(id: string, { by, payload }: Operator & { readonly payload?: string }): Promise<void> {
    return this.#move(id, async (letter) => {
      const { note, requeues } = letter
      const given = payload ?? (letter.amended ? letter.payload : null)
      const attachment = toAttachment({
        ...(note !== undefined && { progress: note }),
        ...(given !== null && { payload: given }),
        requeues: requeues + 1
      })
      return {
        action: { action: 'requeue', by, amended: given !== null },
        unit: await this.#putBack(letter, attachment)
      }
    })
  }

  /** A partitioned group finds it in its list of requeued entries, which knows nothing of the log. */
  async #putBack(letter: DeadLetter, attachment: string): Promise<Unit> {
    const { group, messageId } = letter
    const partitioned = await partitionedGroup(this.#storage, group)
    if (partitioned === undefined) return { requeue: [{ group, messageId, attachment }] }
    const [entry] = await this.#storage.log.get([messageId])
    if (entry === undefined) throw trimmed(letter)
    return { write: [partitioned.requeue(messageId, attachment)] }
  }

  /** Removes a dead letter for good and records the action, in one step. Rejects with `not_found`. */
  discard(id: string, { by, reason }: Operator & { readonly reason: string }): Promise<void> {
    const sealed = this.#vault === undefined ? reason : sealReason(reason, id, this.#vault)
    return this.#move(id, async () => ({ action: { action: 'discard', by, reason: sealed, amended: false }, unit: {} }))
  }

  /** A page of the record of what operators did, oldest first, behind the record `after`. */
  async actions({ after, limit }: { readonly after?: string; readonly limit: number }): Promise<DeadLetterAction[]> {
    const page = await this.#storage.collections.list(ACTIONS, { limit, ...(after !== undefined && { after }) })
    const actions = page.map(({ value }) => JSON.parse(value) as DeadLetterAction)
    const vault = this.#vault
    if (vault === undefined) return actions
    await prepareLetters(
      actions.map(({ letter }) => letter),
      vault
    )
    return actions.map((action) => openAction(action, vault))
  }

  /** Removes a dead letter as it is now, in one step with what comes of it. */
  async #move(
    id: string,
    moved: (letter: DeadLetter) => Promise<{ action: Omit<DeadLetterAction, 'id' | 'at' | 'letter'>; unit: Unit }>
  ): Promise<void> {
    for (;;) {
      const document = await this.#document(id)
      if (document === undefined)
        throw new EventSystemError('not_found', `There is no dead letter ${JSON.stringify(id)}.`)
      const letter = letterIn(document)
      const { action, unit } = await moved(letter)
      const { uuid, ms: at } = this.#uuids.next(this.#clock.now())
      const record: DeadLetterAction = { id: uuid, at, ...action, letter }
      const write: Write[] = [
        { collection: DEAD_LETTERS, id, value: null, expected: document.revision },
        { collection: CAUSES, id: causeId(letter, id), value: null },
        { collection: ACTIONS, id: uuid, value: JSON.stringify(record), expected: 0 },
        ...(unit.write ?? [])
      ]
      const [result] = await this.#storage.commit([{ ...unit, write }])
      if (result?.kind === 'committed') return
      // Somebody else moved it, or encrypted it with another key.
      if (result?.reason !== 'conflict') throw refusal(letter, result)
    }
  }

  async *#matching(
    filter: DeadLetterFilter,
    after: string | undefined,
    page: number
  ): AsyncGenerator<DeadLetter, void> {
    const { collections } = this.#storage
    const groups = filter.group === undefined ? await groupsWithDeadLetters(collections) : [filter.group]
    const since = filter.since === undefined ? '' : leastUuidAt(filter.since)
    const behind = after === undefined ? '' : uuidIn(after)
    const [from = ''] = [since, behind].sort().slice(1)
    for await (const document of lettersOf(collections, groups, { after: from, page })) {
      const letter = letterIn(document)
      if (filter.until !== undefined && letter.deadAt > filter.until) return
      if (matches(letter, filter)) yield letter
    }
  }

  async #document(id: string): Promise<Document | undefined> {
    const [document] = await this.#storage.collections.get(DEAD_LETTERS, [id])
    return document
  }

  #opened(letter: DeadLetter): DeadLetter {
    return this.#vault === undefined ? letter : openLetter(letter, this.#vault)
  }
}

/** A dead letter whose entry is too large for a document goes without what the entry holds, which stays in the log. */
function textOf(letter: DeadLetter): string {
  const text = JSON.stringify(letter)
  if (Buffer.byteLength(text) <= LARGEST) return text
  const raw = { truncated: `The entry ${letter.messageId} is too large to be kept here; it stands in the log.` }
  return JSON.stringify({ ...letter, payload: null, raw })
}

function letterIn({ value }: Document): DeadLetter {
  return JSON.parse(value) as DeadLetter
}

/** Whether dead letters of the wanted groups and times must be looked at to know which of them match. */
function isNarrow({ eventType, handler, kind, fingerprint }: DeadLetterFilter): boolean {
  return [eventType, handler, kind, fingerprint].some((condition) => condition !== undefined)
}

function matches(letter: DeadLetter, { eventType, handler, kind, fingerprint, since }: DeadLetterFilter): boolean {
  return (
    (eventType === undefined || letter.eventType === eventType) &&
    (handler === undefined || letter.handler === handler) &&
    (kind === undefined || letter.kind === kind) &&
    (fingerprint === undefined || letter.fingerprint === fingerprint) &&
    (since === undefined || letter.deadAt >= since)
  )
}

function trimmed({ id, messageId }: DeadLetter): EventSystemError {
  const message = `The entry ${messageId} of the dead letter ${id} is no longer in the log; the dead letter stays.`
  return new EventSystemError('entry_trimmed', message)
}

function refusal(letter: DeadLetter, result: UnitResult | undefined): EventSystemError {
  if (result?.kind === 'refused' && result.reason === 'entry_trimmed') return trimmed(letter)
  const { id, group } = letter
  return new EventSystemError('not_found', `The group ${JSON.stringify(group)} of the dead letter ${id} is gone.`)
}
