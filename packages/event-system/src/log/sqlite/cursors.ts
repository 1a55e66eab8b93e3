import { groupOfCursor } from '../partitioned/index.ts'
import type { CursorInfo, CursorMove, Cursors, MessageId, Position } from '../port.ts'
import { assertCursorName } from '../unit-terms.ts'
import type { Connection } from './connection.ts'
import { lagBehind } from './lag.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import type { Reader } from './reader.ts'

const FIND = 'SELECT name, position, moved_at, guards FROM cursors WHERE name = ?'
const ALL = 'SELECT name, position, moved_at, guards FROM cursors ORDER BY name'
const CREATE = `
  INSERT INTO cursors (name, position, moved_at, guards) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`
const REMOVE = 'DELETE FROM cursors WHERE name = ?'
const MOVE = 'UPDATE cursors SET position = ?2, moved_at = ?3 WHERE name = ?1 AND (?4 IS NULL OR position = ?4)'

/** Cursors, in a table. */
export class SqliteCursors implements Cursors {
  readonly #connection: Connection
  readonly #reader: Reader

  constructor(connection: Connection, reader: Reader) {
    this.#connection = connection
    this.#reader = reader
  }

  get(name: string): Promise<CursorInfo | undefined> {
    return this.#connection.snapshot(() => {
      assertCursorName(name)
      const row = this.#connection.statement(FIND).get(name)
      return row && this.#toInfo(row)
    })
  }

  positions(names: readonly string[]): Promise<(MessageId | undefined)[]> {
    return this.#connection.read(() =>
      names.map((name) => {
        assertCursorName(name)
        const position = this.#connection.statement(FIND).get(name)?.position
        return position === undefined ? undefined : formatMessageId(Number(position))
      })
    )
  }

  create(name: string, at: Position, { guards = true }: { readonly guards?: boolean } = {}): Promise<boolean> {
    return this.#connection.write(() => {
      assertCursorName(name)
      const position = Math.min(this.#reader.resolve(at), this.#reader.resolve('end'))
      const create = this.#connection.statement(CREATE)
      return create.run(name, position, this.#now(), guards ? 1 : 0).changes === 1
    })
  }

  remove(name: string): Promise<boolean> {
    return this.#connection.write(() => {
      assertCursorName(name)
      return this.#connection.statement(REMOVE).run(name).changes === 1
    })
  }

  /** All but those of partitioned groups. To be called inside a step of the connection, as {@link move}. */
  all(): CursorInfo[] {
    return this.#connection
      .statement(ALL)
      .all()
      .filter(({ name }) => groupOfCursor(String(name)) === undefined)
      .map((row) => this.#toInfo(row))
  }

  /** Why it did not move, if it did not. */
  move({ name, to, expected }: CursorMove): 'not_found' | 'conflict' | undefined {
    const from = expected === undefined ? null : parseMessageId(expected)
    const { changes } = this.#connection.statement(MOVE).run(name, parseMessageId(to), this.#now(), from)
    if (changes === 1) return undefined
    return this.#connection.statement(FIND).get(name) === undefined ? 'not_found' : 'conflict'
  }

  #toInfo({ name, position, moved_at, guards }: Record<string, unknown>): CursorInfo {
    return {
      name: String(name),
      position: formatMessageId(Number(position)),
      movedAt: Number(moved_at),
      guards: guards === 1,
      ...lagBehind(this.#connection, Number(position))
    }
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}
