import { EventSystemError } from '@tradpal/events'
import type { DeadLetter, DeadLetterFilter, DeadLetters, NewDeadLetter } from '../port.ts'
import { assertLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'

const INSERT = `
  INSERT INTO dead_letters (grp, entry_id, consumer, payload, raw, kind, reason, stack, attempts, dead_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const LIST = 'SELECT * FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?'
const LIST_OF_GROUP = 'SELECT * FROM dead_letters WHERE grp = ? AND id > ? ORDER BY id LIMIT ?'
const GET = 'SELECT * FROM dead_letters WHERE id = ?'
const DISCARD = 'DELETE FROM dead_letters WHERE id = ?'
const HAS_ENTRY = 'SELECT 1 FROM entries WHERE id = ?'
const HAS_GROUP = 'SELECT 1 FROM groups WHERE name = ?'
/** Held by nobody and never handed out: the next claim is its first delivery. */
const PUT_BACK = `
  INSERT INTO pending (grp, id, consumer, delivered_at, deliveries) VALUES (?, ?, '', 0, 0)
  ON CONFLICT (grp, id) DO UPDATE SET consumer = '', delivered_at = 0, deliveries = 0`

export class SqliteDeadLetters implements DeadLetters {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Writes a letter. To be called inside a step of the connection. */
  write(group: string, letter: NewDeadLetter): DeadLetter {
    const { messageId, consumer, payload, raw, kind, reason, stack, attempts } = letter
    const deadAt = Math.floor(this.#connection.options.clock.now())
    const { lastInsertRowid } = this.#connection
      .statement(INSERT)
      .run(
        group,
        parseMessageId(messageId),
        consumer,
        payload,
        raw === undefined ? null : JSON.stringify(raw),
        kind,
        reason,
        stack ?? null,
        attempts,
        deadAt
      )
    return { ...letter, id: String(lastInsertRowid), group, deadAt }
  }

  list({ group, after, limit }: DeadLetterFilter): Promise<DeadLetter[]> {
    return this.#connection.read(() => {
      assertLimit(limit)
      const behind = after === undefined ? 0 : parseLetterId(after)
      if (behind === undefined) {
        throw new EventSystemError('invalid_argument', `after is '${after}': it is the id of a dead letter.`)
      }
      const rows =
        group === undefined
          ? this.#connection.statement(LIST).all(behind, limit)
          : this.#connection.statement(LIST_OF_GROUP).all(group, behind, limit)
      return rows.map(toDeadLetter)
    })
  }

  get(id: string): Promise<DeadLetter | undefined> {
    return this.#connection.read(() => this.#find(id))
  }

  async requeue(id: string): Promise<void> {
    await this.#connection.write(() => {
      const letter = this.#find(id)
      if (letter === undefined) throw new EventSystemError('not_found', `There is no dead letter '${id}'.`)
      const { group, messageId } = letter
      const entryId = parseMessageId(messageId)
      if (this.#connection.statement(HAS_GROUP).get(group) === undefined) {
        throw new EventSystemError('not_found', `The group '${group}' of the dead letter '${id}' is gone.`)
      }
      if (this.#connection.statement(HAS_ENTRY).get(entryId) === undefined) {
        throw new EventSystemError(
          'entry_trimmed',
          `The entry ${messageId} of the dead letter '${id}' has left the log.`
        )
      }
      this.#connection.statement(PUT_BACK).run(group, entryId)
      this.#connection.statement(DISCARD).run(Number(id))
    })
  }

  discard(id: string): Promise<boolean> {
    return this.#connection.write(() => {
      const letterId = parseLetterId(id)
      return letterId !== undefined && this.#connection.statement(DISCARD).run(letterId).changes === 1
    })
  }

  #find(id: string): DeadLetter | undefined {
    const letterId = parseLetterId(id)
    const row = letterId === undefined ? undefined : this.#connection.statement(GET).get(letterId)
    return row && toDeadLetter(row)
  }
}

function parseLetterId(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}

function toDeadLetter(row: Record<string, unknown>): DeadLetter {
  return {
    id: String(row.id),
    messageId: formatMessageId(Number(row.entry_id)),
    group: String(row.grp),
    consumer: String(row.consumer),
    payload: row.payload as string | null,
    ...(row.raw === null ? {} : { raw: JSON.parse(String(row.raw)) }),
    kind: row.kind as DeadLetter['kind'],
    reason: String(row.reason),
    ...(row.stack === null ? {} : { stack: String(row.stack) }),
    attempts: Number(row.attempts),
    deadAt: Number(row.dead_at)
  }
}
