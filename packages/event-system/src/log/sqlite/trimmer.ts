import { EventSystemError } from '@tradpal/events'
import type { MessageId, TrimOptions, TrimResult, TrimTarget } from '../port.ts'
import { type Loss, lossesOf, NO_LOSSES, TrimSum } from '../trim-sum.ts'
import type { Connection } from './connection.ts'
import type { EntryIndex } from './entry-index.ts'
import { firstIdAt, parseMessageId } from './message-id.ts'

const STATE = 'SELECT added, removed, bytes FROM state'
const ID_AT_OFFSET = 'SELECT id FROM entries ORDER BY id LIMIT 1 OFFSET ?'
const LAST_OF_FIRST_BEFORE = 'SELECT max(id) AS id FROM (SELECT id FROM entries WHERE id < ? ORDER BY id LIMIT ?)'
const SIZES = 'SELECT id, octet_length(payload) AS size FROM entries ORDER BY id LIMIT ?'
const FIRST_ID = 'SELECT min(id) AS id FROM entries'
/** The last id that every group has acknowledged and every guarding cursor has passed, with all before it; nothing without any. */
const DONE_BY_ALL = `
  SELECT min(done) AS id FROM (
    SELECT coalesce((SELECT min(id) - 1 FROM pending WHERE grp = name AND id <= last_id), last_id) AS done FROM groups
    UNION ALL SELECT position FROM cursors WHERE guards = 1)`
const SIZE_OF = 'SELECT count(*) AS entries, coalesce(sum(octet_length(payload)), 0) AS bytes FROM entries WHERE id IN'
const GROUPS = 'SELECT name, last_id FROM groups'
const UNACKNOWLEDGED = (which: string) => `
  SELECT id FROM entries
  WHERE id IN (${which}) AND (id > ?2 OR EXISTS (SELECT 1 FROM pending WHERE grp = ?3 AND pending.id = entries.id))`
const GUARDS = 'SELECT name, position FROM cursors WHERE guards = 1'
const NOT_PASSED = (which: string) => `SELECT id FROM entries WHERE id IN (${which}) AND id > ?2`
const SHRINK = 'UPDATE state SET removed = removed + ?, bytes = bytes - ?'
const OF_LIST = 'SELECT value FROM json_each(?1)'
const UP_TO = 'SELECT id FROM entries WHERE id <= ?1'

/** Entries that one transaction removes: others get their turn between two. */
const STEP = 2_000
const MOST_IDS = 10_000

/** What a group or a guarding cursor loses, if it is removed. */
interface Undone extends Omit<Loss, 'lost'> {
  readonly ids: readonly number[]
}

/** Removes entries. The file keeps its size; what is appended next fills the room. */
export class Trimmer {
  readonly #connection: Connection
  readonly #index: EntryIndex

  constructor(connection: Connection, index: EntryIndex) {
    this.#connection = connection
    this.#index = index
  }

  async trim(target: TrimTarget, { force = false, dryRun = false }: TrimOptions): Promise<TrimResult> {
    assertTarget(target)
    if (dryRun) return this.#connection.snapshot(() => this.#look(target, force))
    const sum = new TrimSum()
    for (;;) {
      const step = await this.#connection.write(() => this.#trimOnce(target, force))
      sum.add(step)
      if (step.guarded || step.removed < STEP) return sum.result
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  remove(messageIds: readonly MessageId[], { force = false, dryRun = false }: TrimOptions): Promise<TrimResult> {
    if (messageIds.length > MOST_IDS) {
      throw new EventSystemError(
        'invalid_argument',
        `remove() takes at most ${MOST_IDS} message ids, got ${messageIds.length}.`
      )
    }
    const ids = JSON.stringify(messageIds.map(parseMessageId))
    const work = () => this.#removeListed(ids, force, dryRun)
    return dryRun ? this.#connection.snapshot(work) : this.#connection.write(work)
  }

  #trimOnce(target: TrimTarget, force: boolean): TrimResult {
    const { cut, guarded } = this.#allowedCut(target, force, STEP)
    if (cut === undefined) return { removed: 0, ...NONE_LOST, guarded }
    const loss = force ? this.#loss(UP_TO, cut) : NONE_LOST
    return { removed: this.#delete(UP_TO, cut), ...loss, guarded }
  }

  #look(target: TrimTarget, force: boolean): TrimResult {
    const { cut, guarded } = this.#allowedCut(target, force, Number.MAX_SAFE_INTEGER)
    if (cut === undefined) return { removed: 0, ...NONE_LOST, guarded }
    return { removed: this.#count(UP_TO, cut).entries, ...(force ? this.#loss(UP_TO, cut) : NONE_LOST), guarded }
  }

  #removeListed(ids: string, force: boolean, dryRun: boolean): TrimResult {
    const loss = this.#loss(OF_LIST, ids)
    if (loss.lost > 0 && !force) {
      const kept = new Set(this.#undone(OF_LIST, ids).flatMap(({ ids }) => ids))
      const free = JSON.stringify((JSON.parse(ids) as number[]).filter((id) => !kept.has(id)))
      const removed = dryRun ? this.#count(OF_LIST, free).entries : this.#delete(OF_LIST, free)
      return { removed, ...NONE_LOST, guarded: true }
    }
    const removed = dryRun ? this.#count(OF_LIST, ids).entries : this.#delete(OF_LIST, ids)
    return { removed, ...loss, guarded: false }
  }

  #allowedCut(target: TrimTarget, force: boolean, step: number): { cut: number | undefined; guarded: boolean } {
    const wanted = this.#cut(target, step)
    if (wanted === undefined || force) return { cut: wanted, guarded: false }
    const allowed = this.#connection.statement(DONE_BY_ALL).get()?.id
    if (typeof allowed !== 'number' || allowed >= wanted) return { cut: wanted, guarded: false }
    const first = this.#connection.statement(FIRST_ID).get()?.id
    return { cut: typeof first === 'number' && first <= allowed ? allowed : undefined, guarded: true }
  }

  /** The last id that a step of so many entries is to remove, if it is to remove any. */
  #cut(target: TrimTarget, step: number): number | undefined {
    if ('before' in target) {
      const id = this.#connection.statement(LAST_OF_FIRST_BEFORE).get(firstIdAt(target.before), step)?.id
      return typeof id === 'number' ? id : undefined
    }
    const { added, removed, bytes } = this.#connection.statement(STATE).get() ?? {}
    if ('maxLength' in target) {
      const excess = Math.min(Number(added) - Number(removed) - target.maxLength, step)
      return excess > 0 ? Number(this.#connection.statement(ID_AT_OFFSET).get(excess - 1)?.id) : undefined
    }
    let excess = Number(bytes) - target.maxBytes
    if (excess <= 0) return undefined
    let cut: number | undefined
    for (const { id, size } of this.#connection.statement(SIZES).iterate(step)) {
      cut = Number(id)
      excess -= Number(size)
      if (excess <= 0) break
    }
    return cut
  }

  #count(which: string, argument: string | number): { entries: number; bytes: number } {
    const { entries, bytes } = this.#connection.statement(`${SIZE_OF} (${which})`).get(argument) ?? {}
    return { entries: Number(entries), bytes: Number(bytes) }
  }

  #delete(which: string, argument: string | number): number {
    const { entries, bytes } = this.#count(which, argument)
    if (entries === 0) return 0
    this.#index.beforeRemoving(which, argument)
    this.#connection.statement(`DELETE FROM pending WHERE id IN (${which})`).run(argument)
    this.#connection.statement(`DELETE FROM entries WHERE id IN (${which})`).run(argument)
    this.#connection.statement(SHRINK).run(entries, bytes)
    this.#index.shrink()
    return entries
  }

  #loss(which: string, argument: string | number): Omit<TrimResult, 'removed' | 'guarded'> {
    const undone = this.#undone(which, argument)
    return {
      lost: new Set(undone.flatMap(({ ids }) => ids)).size,
      ...lossesOf(undone.map(({ kind, name, ids }) => ({ kind, name, lost: ids.length })))
    }
  }

  /** Of the entries in question, those that each group has not acknowledged and each guarding cursor has not passed. */
  #undone(which: string, argument: string | number): Undone[] {
    const ofGroups = this.#connection
      .statement(GROUPS)
      .all()
      .map(({ name, last_id }): Undone => {
        const rows = this.#connection.statement(UNACKNOWLEDGED(which)).all(argument, Number(last_id), String(name))
        return { kind: 'group', name: String(name), ids: rows.map(({ id }) => Number(id)) }
      })
    const ofCursors = this.#connection
      .statement(GUARDS)
      .all()
      .map(({ name, position }): Undone => {
        const rows = this.#connection.statement(NOT_PASSED(which)).all(argument, Number(position))
        return { kind: 'cursor', name: String(name), ids: rows.map(({ id }) => Number(id)) }
      })
    return [...ofGroups, ...ofCursors]
  }
}

const NONE_LOST = { lost: 0, ...NO_LOSSES }

function assertTarget(target: TrimTarget): void {
  const given = Object.entries(target).filter(([, value]) => value !== undefined)
  const [name, value] = given[0] ?? []
  if (given.length !== 1 || name === undefined || !['maxLength', 'before', 'maxBytes'].includes(name)) {
    throw new EventSystemError('invalid_argument', 'A trim has one target: maxLength, before or maxBytes.')
  }
  if (typeof value !== 'number' || !(value >= 0) || (name === 'maxLength' && !Number.isInteger(value))) {
    throw new EventSystemError('invalid_argument', `${name} is ${value}: it is a number, 0 or more.`)
  }
}
