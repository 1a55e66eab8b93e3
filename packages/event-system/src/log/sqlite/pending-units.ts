import type { Acknowledgement, Attachment, Requeue } from '../port.ts'
import type { Connection } from './connection.ts'
import { parseMessageId } from './message-id.ts'

const ACKNOWLEDGE = 'DELETE FROM pending WHERE grp = ? AND id = ? AND consumer = ? AND deliveries = ?'
const ATTACH_HELD =
  'UPDATE pending SET attachment = ?3 WHERE grp = ?1 AND id = ?2 AND consumer = ?4 AND deliveries = ?5'
/** Held by nobody and never handed out: the next claim is its first delivery. */
const PUT_BACK = `
  INSERT INTO pending (grp, id, consumer, delivered_at, deliveries, attachment) VALUES (?, ?, '', 0, 0, ?)
  ON CONFLICT (grp, id) DO UPDATE SET
    consumer = '', delivered_at = 0, deliveries = 0, attachment = excluded.attachment`
const HAS_ENTRY = 'SELECT 1 FROM entries WHERE id = ?'
const HAS_GROUP = 'SELECT 1 FROM groups WHERE name = ?'
const REPLACE = 'UPDATE pending SET attachment = ?3 WHERE grp = ?1 AND id = ?2 AND attachment = ?4'

/** What units do to pending entries of groups: each says why it did not, if it did not. To be called inside a step of the connection. */
export class PendingUnits {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  acknowledge({ group, consumer, messageId, attempt }: Acknowledgement): 'hold_lost' | undefined {
    const acknowledge = this.#connection.statement(ACKNOWLEDGE)
    return acknowledge.run(group, parseMessageId(messageId), consumer, attempt).changes === 1 ? undefined : 'hold_lost'
  }

  attach({ group, messageId, text, if: condition }: Attachment): 'hold_lost' | 'conflict' | undefined {
    const id = parseMessageId(messageId)
    if ('from' in condition) {
      const { changes } = this.#connection.statement(REPLACE).run(group, id, text, condition.from)
      return changes === 1 ? undefined : 'conflict'
    }
    const { consumer, attempt } = condition
    const { changes } = this.#connection.statement(ATTACH_HELD).run(group, id, text, consumer, attempt)
    return changes === 1 ? undefined : 'hold_lost'
  }

  requeue({ group, messageId, attachment }: Requeue): 'not_found' | 'entry_trimmed' | undefined {
    const id = parseMessageId(messageId)
    if (this.#connection.statement(HAS_GROUP).get(group) === undefined) return 'not_found'
    if (this.#connection.statement(HAS_ENTRY).get(id) === undefined) return 'entry_trimmed'
    this.#connection.statement(PUT_BACK).run(group, id, attachment ?? null)
    return undefined
  }
}
