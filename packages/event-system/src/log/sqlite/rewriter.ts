import { assertKeys } from '../entry-terms.ts'
import type { Rewrite } from '../port.ts'
import { assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { EntryIndex } from './entry-index.ts'
import { Labels } from './labels.ts'
import { parseMessageId } from './message-id.ts'

const ENTRY = 'UPDATE entries SET payload = ?3 WHERE id = ?1 AND payload = ?2'
const GROW = 'UPDATE state SET bytes = bytes + ?'
const LABEL = 'SELECT label, event_type, key FROM entries JOIN labels USING (label) WHERE id = ?'
const SET_LABEL = 'UPDATE entries SET label = ?2 WHERE id = ?1'

/** Writes other payloads in the place of those that entries have. */
export class Rewriter {
  readonly #connection: Connection
  readonly #labels: Labels
  readonly #index: EntryIndex

  constructor(connection: Connection, index: EntryIndex) {
    this.#connection = connection
    this.#labels = new Labels(connection)
    this.#index = index
  }

  async rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    assertStep(rewrites)
    assertKeys(rewrites.flatMap(({ key }) => key ?? []))
    const rows = rewrites.map(({ messageId, ...rewrite }) => ({ id: parseMessageId(messageId), ...rewrite }))
    return this.#connection.write(() => {
      this.#labels.begin()
      return rows.filter((row) => this.#rewrite(row)).length
    })
  }

  /** Returns whether the entry had that payload. */
  #rewrite({ id, from, to, key }: Row): boolean {
    if (this.#connection.statement(ENTRY).run(id, from, to).changes === 0) return false
    this.#connection.statement(GROW).run(Buffer.byteLength(to) - Buffer.byteLength(from))
    if (key !== undefined) this.#setKey(id, key)
    return true
  }

  #setKey(id: number, key: string): void {
    const { label, event_type: eventType, key: former } = this.#connection.statement(LABEL).get(id) ?? {}
    if (former === key) return
    const number = this.#labels.numberOf({ eventType: String(eventType), key })
    this.#connection.statement(SET_LABEL).run(id, number)
    this.#index.move(id, Number(label), number)
  }
}

type Row = Omit<Rewrite, 'messageId'> & { readonly id: number }
