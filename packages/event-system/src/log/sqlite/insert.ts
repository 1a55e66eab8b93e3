import type { SQLInputValue } from 'node:sqlite'
import type { Connection } from './connection.ts'

/** Of so many rows at once: a fifth faster than one by one, and more than 20 gain nothing. */
const STEPS = [20, 5, 1]

/** Inserts rows, inside a step of the connection. `into`: the table and its columns, as in `versions (key, version)`. */
export function insertRows(connection: Connection, into: string, rows: readonly (readonly SQLInputValue[])[]): void {
  for (let from = 0; from < rows.length; ) {
    const count = STEPS.find((step) => step <= rows.length - from) as number
    const some = rows.slice(from, from + count)
    const values = some.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ')
    connection.statement(`INSERT INTO ${into} VALUES ${values}`).run(...some.flat())
    from += count
  }
}
