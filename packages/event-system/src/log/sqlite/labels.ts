import type { EntryLabel, ReadRange } from '../port.ts'
import type { Connection } from './connection.ts'

const LAST = 'SELECT coalesce(max(label), 0) AS last FROM labels'
const FIND = 'SELECT label FROM labels WHERE event_type = ? AND key = ?'
const ADD = 'INSERT INTO labels (label, type, event_type, key) VALUES (?, ?, ?, ?)'
const OF_ALL_TYPES = "SELECT label FROM labels WHERE key = ''"
const OF_TYPES = `${OF_ALL_TYPES} AND event_type IN (SELECT value FROM json_each(?))`
const OF_KEYS = 'SELECT label FROM labels WHERE key IN (SELECT value FROM json_each(?))'
const OF_BOTH = `${OF_KEYS} AND event_type IN (SELECT value FROM json_each(?))`

/** How many labels are kept in memory. Of more, the log is asked again. */
const MOST_KNOWN = 100_000

/** The numbers of labels. A label has its number for as long as the log stands. To be called inside a step of the connection. */
export class Labels {
  readonly #connection: Connection
  readonly #known = new Map<string, number>()
  #lastCommitted = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** To be called at the beginning of a step that gives numbers. */
  begin(): void {
    this.#lastCommitted = this.#last()
  }

  /** The number of a label. One that has none is given the next. */
  numberOf({ eventType, key = '' }: Pick<EntryLabel, 'eventType' | 'key'>): number {
    const name = `${eventType}\n${key}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const found = this.#connection.statement(FIND).get(eventType, key)?.label
    const number = found === undefined ? this.#add(eventType, key) : Number(found)
    // A number that this step has given is taken back when the step fails.
    if (number <= this.#lastCommitted) this.#remember(name, number)
    return number
  }

  /** The labels under which the index has what is asked for: without keys, those of the types. */
  matching({ eventTypes, keys }: Pick<ReadRange, 'eventTypes' | 'keys'>): number[] {
    const types = eventTypes && JSON.stringify(eventTypes)
    if (keys === undefined) return types === undefined ? this.#all(OF_ALL_TYPES) : this.#all(OF_TYPES, types)
    const wanted = JSON.stringify(keys)
    return types === undefined ? this.#all(OF_KEYS, wanted) : this.#all(OF_BOTH, wanted, types)
  }

  #remember(name: string, number: number): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(name, number)
  }

  #add(eventType: string, key: string): number {
    const type = key === '' ? undefined : this.numberOf({ eventType })
    const number = this.#last() + 1
    this.#connection.statement(ADD).run(number, type ?? number, eventType, key)
    return number
  }

  #last(): number {
    return Number(this.#connection.statement(LAST).get()?.last)
  }

  #all(sql: string, ...lists: string[]): number[] {
    return this.#connection
      .statement(sql)
      .all(...lists)
      .map(({ label }) => Number(label))
  }
}
