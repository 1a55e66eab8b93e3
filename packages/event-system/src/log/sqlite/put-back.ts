import type { Connection } from './connection.ts'

const HAS_ENTRY = 'SELECT 1 FROM entries WHERE id = ?'
const HAS_GROUP = 'SELECT 1 FROM groups WHERE name = ?'
/** Held by nobody and never handed out: the next claim is its first delivery. */
const PUT_BACK = `
  INSERT INTO pending (grp, id, consumer, delivered_at, deliveries, note, payload, attachment)
  VALUES (?1, ?2, '', 0, 0, ?3, ?4, ?5)
  ON CONFLICT (grp, id) DO UPDATE SET
    consumer = '', delivered_at = 0, deliveries = 0, note = excluded.note, payload = excluded.payload,
    attachment = excluded.attachment, shard = NULL, handed = 0`
const HAS_STRAYS = 'UPDATE groups SET strays = 1 WHERE name = ?'
const RAISE_TIDE = 'UPDATE state SET moves = moves + 1'

/** An entry that becomes pending in a group, and the texts that the group keeps with it from then on. */
export interface PutBack {
  readonly group: string
  readonly entryId: number
  readonly note?: string | undefined
  readonly amended?: string | undefined
  readonly attachment?: string | undefined
}

/** Makes an entry pending in a group as if it had never been handed out. Says why not, if not. To be called inside a step of the connection. */
export function putBack(
  connection: Connection,
  { group, entryId, note, amended, attachment }: PutBack
): 'not_found' | 'entry_trimmed' | undefined {
  if (connection.statement(HAS_GROUP).get(group) === undefined) return 'not_found'
  if (connection.statement(HAS_ENTRY).get(entryId) === undefined) return 'entry_trimmed'
  connection.statement(PUT_BACK).run(group, entryId, note ?? null, amended ?? null, attachment ?? null)
  connection.statement(HAS_STRAYS).run(group)
  connection.statement(RAISE_TIDE).run()
  return undefined
}
