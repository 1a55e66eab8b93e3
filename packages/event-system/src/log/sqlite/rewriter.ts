import type { Rewrite } from '../port.ts'
import { assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import { parseMessageId } from './message-id.ts'

const ENTRY = 'UPDATE entries SET payload = ?3 WHERE id = ?1 AND payload = ?2'
const AMENDED = 'UPDATE pending SET payload = ?3 WHERE id = ?1 AND payload = ?2'
const LETTERS = `
  UPDATE dead_letters SET letter = json_set(letter, '$.payload', ?3)
  WHERE entry_id = ?1 AND json_extract(letter, '$.payload') = ?2`
const GROW = 'UPDATE state SET bytes = bytes + ?'

/** Writes other payloads in the place of those that there are. */
export class Rewriter {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    assertStep(rewrites)
    const rows = rewrites.map(({ messageId, from, to }) => [parseMessageId(messageId), from, to] as const)
    return this.#connection.write(() => rows.filter((row) => this.#rewrite(row)).length)
  }

  /** Wherever the entry's payload is kept. Returns whether it was anywhere. */
  #rewrite([id, from, to]: readonly [number, string, string]): boolean {
    const statement = (sql: string) => this.#connection.statement(sql)
    const entries = statement(ENTRY).run(id, from, to).changes
    if (entries === 1) statement(GROW).run(Buffer.byteLength(to) - Buffer.byteLength(from))
    const others = [AMENDED, LETTERS].map((sql) => Number(statement(sql).run(id, from, to).changes))
    return Number(entries) + others.reduce((sum, changes) => sum + changes, 0) > 0
  }
}
