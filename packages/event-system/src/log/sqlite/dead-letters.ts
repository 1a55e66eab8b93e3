import { isDeepStrictEqual } from 'node:util'
import { EventSystemError } from '@tradpal/events'
import type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterFilter,
  DeadLetters,
  MessageId,
  NewDeadLetter,
  Operator
} from '../port.ts'
import { assertLimit, assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import { putBack } from './put-back.ts'
import type { Tide } from './tide.ts'

const INSERT = `
  INSERT INTO dead_letters (grp, entry_id, event_type, handler, kind, dead_at, letter) VALUES (?, ?, ?, ?, ?, ?, ?)`
const MATCHING = `
  id > ?1 AND (?2 IS NULL OR grp = ?2) AND (?3 IS NULL OR event_type = ?3) AND (?4 IS NULL OR handler = ?4)
  AND (?5 IS NULL OR kind = ?5) AND (?6 IS NULL OR dead_at >= ?6) AND (?7 IS NULL OR dead_at <= ?7)`
const LIST = `SELECT * FROM dead_letters WHERE ${MATCHING} ORDER BY id LIMIT ?8`
const COUNT = `SELECT count(*) AS letters FROM dead_letters WHERE ${MATCHING}`
const GET = 'SELECT * FROM dead_letters WHERE id = ?'
const DELETE = 'DELETE FROM dead_letters WHERE id = ?'
const RECORD = 'INSERT INTO dead_letter_actions (action) VALUES (?)'
const ACTIONS = 'SELECT id, action FROM dead_letter_actions WHERE id > ? ORDER BY id LIMIT ?'
const REWRITE = 'UPDATE dead_letters SET letter = ?2 WHERE id = ?1'
const GET_ACTION = 'SELECT id, action FROM dead_letter_actions WHERE id = ?'
const REWRITE_ACTION = 'UPDATE dead_letter_actions SET action = ?2 WHERE id = ?1'

export class SqliteDeadLetters implements DeadLetters {
  readonly #connection: Connection
  readonly #tide: Tide

  constructor(connection: Connection, tide: Tide) {
    this.#connection = connection
    this.#tide = tide
  }

  /** Writes a letter. To be called inside a step of the connection. */
  write(group: string, messageId: MessageId, letter: NewDeadLetter): DeadLetter {
    const deadAt = this.#now()
    const { eventType, handler, kind } = letter
    const { lastInsertRowid } = this.#connection
      .statement(INSERT)
      .run(group, parseMessageId(messageId), eventType, handler, kind, deadAt, JSON.stringify(letter))
    return { ...letter, id: String(lastInsertRowid), messageId, group, deadAt }
  }

  list({ after, limit, ...filter }: DeadLetterFilter & { after?: string; limit: number }): Promise<DeadLetter[]> {
    return this.#connection.read(() => {
      assertLimit(limit)
      const rows = this.#connection.statement(LIST).all(behind('dead letter', after), ...conditions(filter), limit)
      return rows.map(toDeadLetter)
    })
  }

  count(filter: DeadLetterFilter): Promise<number> {
    return this.#connection.read(() => Number(this.#connection.statement(COUNT).get(0, ...conditions(filter))?.letters))
  }

  get(id: string): Promise<DeadLetter | undefined> {
    return this.#connection.read(() => this.#find(id))
  }

  async requeue(id: string, { by, payload }: Operator & { payload?: string }): Promise<void> {
    await this.#connection.write(() => {
      const letter = this.#mustFind(id)
      const { group, messageId, note } = letter
      const refusal = putBack(this.#connection, { group, entryId: parseMessageId(messageId), note, amended: payload })
      if (refusal === 'not_found') {
        throw new EventSystemError('not_found', `The group ${JSON.stringify(group)} of the dead letter ${id} is gone.`)
      }
      if (refusal === 'entry_trimmed') {
        throw new EventSystemError(
          'entry_trimmed',
          `The entry ${messageId} of the dead letter '${id}' has left the log.`
        )
      }
      this.#take(letter, { action: 'requeue', by, amended: payload !== undefined })
    })
    this.#tide.ring()
  }

  async discard(id: string, { by, reason }: Operator & { reason: string }): Promise<void> {
    await this.#connection.write(() =>
      this.#take(this.#mustFind(id), { action: 'discard', by, reason, amended: false })
    )
  }

  actions({ after, limit }: { after?: string; limit: number }): Promise<DeadLetterAction[]> {
    return this.#connection.read(() => {
      assertLimit(limit)
      const rows = this.#connection.statement(ACTIONS).all(behind('record', after), limit)
      return rows.map(toAction)
    })
  }

  rewrite(ids: readonly string[], change: (letter: DeadLetter) => DeadLetter): Promise<number> {
    return this.#connection.write(() => {
      assertStep(ids)
      return ids.filter((letterId) => {
        const before = this.#find(letterId)
        const after = before && withTextsOf(before, change(before))
        if (after === undefined || isDeepStrictEqual(before, after)) return false
        const { id, messageId: _entry, group: _group, deadAt: _at, ...stored } = after
        this.#connection.statement(REWRITE).run(Number(id), JSON.stringify(stored))
        return true
      }).length
    })
  }

  rewriteActions(ids: readonly string[], change: (action: DeadLetterAction) => DeadLetterAction): Promise<number> {
    return this.#connection.write(() => {
      assertStep(ids)
      return ids.filter((actionId) => {
        const row = this.#connection.statement(GET_ACTION).get(parseRowId(actionId) ?? 0)
        const before = row && toAction(row)
        const after = before && withReasonOf(before, change(before))
        if (after === undefined || isDeepStrictEqual(before, after)) return false
        const { id, ...stored } = after
        this.#connection.statement(REWRITE_ACTION).run(Number(id), JSON.stringify(stored))
        return true
      }).length
    })
  }

  /** Removes a letter, on record. */
  #take(letter: DeadLetter, action: Omit<DeadLetterAction, 'id' | 'at' | 'letter'>): void {
    this.#connection.statement(DELETE).run(Number(letter.id))
    this.#connection.statement(RECORD).run(JSON.stringify({ ...action, at: this.#now(), letter }))
  }

  #mustFind(id: string): DeadLetter {
    const letter = this.#find(id)
    if (letter === undefined) throw new EventSystemError('not_found', `There is no dead letter with the id ${id}.`)
    return letter
  }

  #find(id: string): DeadLetter | undefined {
    const letterId = parseRowId(id)
    const row = letterId === undefined ? undefined : this.#connection.statement(GET).get(letterId)
    return row && toDeadLetter(row)
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}

function conditions({ group, eventType, handler, kind, since, until }: DeadLetterFilter): (string | number | null)[] {
  return [group ?? null, eventType ?? null, handler ?? null, kind ?? null, since ?? null, until ?? null]
}

function behind(what: string, after: string | undefined): number {
  const id = after === undefined ? 0 : parseRowId(after)
  if (id !== undefined) return id
  throw new EventSystemError('invalid_argument', `after is '${after}': it is the id of a ${what}.`)
}

function parseRowId(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}

function toAction({ id, action }: Record<string, unknown>): DeadLetterAction {
  return { ...JSON.parse(String(action)), id: String(id) }
}

/** The letter with the texts of another. */
function withTextsOf(letter: DeadLetter, { payload, firstError, lastError, note }: DeadLetter): DeadLetter {
  return { ...letter, payload, firstError, lastError, ...(note !== undefined && { note }) }
}

/** The record with the texts of another. */
function withReasonOf(action: DeadLetterAction, { reason, letter }: DeadLetterAction): DeadLetterAction {
  return { ...action, ...(reason !== undefined && { reason }), letter: withTextsOf(action.letter, letter) }
}

function toDeadLetter(row: Record<string, unknown>): DeadLetter {
  return {
    ...(JSON.parse(String(row.letter)) as NewDeadLetter),
    id: String(row.id),
    messageId: formatMessageId(Number(row.entry_id)),
    group: String(row.grp),
    deadAt: Number(row.dead_at)
  }
}
