import { EventSystemError } from '@tradpal/events'
import type { TrimResult, TrimTarget } from '../port.ts'
import type { Connection } from './connection.ts'
import { firstIdAt } from './message-id.ts'

const STATE = 'SELECT added, removed, bytes FROM state'
const ID_AT_OFFSET = 'SELECT id FROM entries ORDER BY id LIMIT 1 OFFSET ?'
const LAST_OF_FIRST_BEFORE = 'SELECT max(id) AS id FROM (SELECT id FROM entries WHERE id < ? ORDER BY id LIMIT ?)'
const SIZES = 'SELECT id, octet_length(payload) AS size FROM entries ORDER BY id LIMIT ?'
/** The last id that every group has acknowledged, with all before it; nothing when there are no groups. */
const ACKNOWLEDGED_BY_ALL = `
  SELECT min(coalesce((SELECT min(id) - 1 FROM pending WHERE grp = name AND id <= last_id), last_id)) AS id FROM groups`
const REMOVED_UP_TO =
  'SELECT count(*) AS entries, coalesce(sum(octet_length(payload)), 0) AS bytes FROM entries WHERE id <= ?'
const UNACKNOWLEDGED_UP_TO = `
  SELECT count(*) AS entries FROM entries
  WHERE id <= ?1 AND (id > (SELECT min(last_id) FROM groups) OR EXISTS (SELECT 1 FROM groups JOIN pending ON grp = name WHERE pending.id = entries.id))`
const DELETE_ENTRIES = 'DELETE FROM entries WHERE id <= ?'
const DELETE_PENDING = 'DELETE FROM pending WHERE id <= ?'
const SHRINK = 'UPDATE state SET removed = removed + ?, bytes = bytes - ?'

/** Entries that one transaction removes: others get their turn between two. */
const STEP = 2_000

interface Step extends TrimResult {
  readonly last: boolean
}

/** Removes the oldest entries. The file keeps its size; what is appended next fills the room. */
export class Trimmer {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async trim(target: TrimTarget, force: boolean): Promise<TrimResult> {
    assertTarget(target)
    let removed = 0
    let lost = 0
    for (;;) {
      const step = await this.#connection.write(() => this.#step(target, force))
      removed += step.removed
      lost += step.lost
      if (step.last) return { removed, lost, guarded: step.guarded }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #step(target: TrimTarget, force: boolean): Step {
    const wanted = this.#cut(target)
    if (wanted === undefined) return { removed: 0, lost: 0, guarded: false, last: true }
    const allowed = force ? undefined : this.#connection.statement(ACKNOWLEDGED_BY_ALL).get()?.id
    const guarded = typeof allowed === 'number' && allowed < wanted
    const cut = guarded ? allowed : wanted
    const { entries, bytes } = this.#connection.statement(REMOVED_UP_TO).get(cut) ?? {}
    const removed = Number(entries)
    const lost = force ? Number(this.#connection.statement(UNACKNOWLEDGED_UP_TO).get(cut)?.entries) : 0
    if (removed > 0) {
      this.#connection.statement(DELETE_ENTRIES).run(cut)
      this.#connection.statement(DELETE_PENDING).run(cut)
      this.#connection.statement(SHRINK).run(removed, Number(bytes))
    }
    return { removed, lost, guarded, last: guarded || removed < STEP }
  }

  /** The last id that this step is to remove, if it is to remove any. */
  #cut(target: TrimTarget): number | undefined {
    if ('before' in target) {
      const id = this.#connection.statement(LAST_OF_FIRST_BEFORE).get(firstIdAt(target.before), STEP)?.id
      return typeof id === 'number' ? id : undefined
    }
    const { added, removed, bytes } = this.#connection.statement(STATE).get() ?? {}
    if ('maxLength' in target) {
      const excess = Math.min(Number(added) - Number(removed) - target.maxLength, STEP)
      return excess > 0 ? Number(this.#connection.statement(ID_AT_OFFSET).get(excess - 1)?.id) : undefined
    }
    let excess = Number(bytes) - target.maxBytes
    if (excess <= 0) return undefined
    let cut: number | undefined
    for (const { id, size } of this.#connection.statement(SIZES).all(STEP)) {
      cut = Number(id)
      excess -= Number(size)
      if (excess <= 0) break
    }
    return cut
  }
}

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
