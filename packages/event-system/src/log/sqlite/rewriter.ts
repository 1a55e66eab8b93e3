import type { Rewrite } from '../port.ts'
import { assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import { parseMessageId } from './message-id.ts'

const ENTRY = 'UPDATE entries SET payload = ?3 WHERE id = ?1 AND payload = ?2'
const GROW = 'UPDATE state SET bytes = bytes + ?'

/** Writes other payloads in the place of those that entries have. */
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

  /** Returns whether the entry had that payload. */
  #rewrite([id, from, to]: readonly [number, string, string]): boolean {
    if (this.#connection.statement(ENTRY).run(id, from, to).changes === 0) return false
    this.#connection.statement(GROW).run(Buffer.byteLength(to) - Buffer.byteLength(from))
    return true
  }
}
