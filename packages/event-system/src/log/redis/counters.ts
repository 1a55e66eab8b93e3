import { EventSystemError } from '@tradpal/events'
import type { Addition, Count, Counters } from '../port.ts'
import type { Connection } from './connection.ts'
import { counterKey, type LogKeys } from './keys.ts'
import { runScript } from './scripts.ts'

/** Who counts has something to do for somebody else, who waits. */
const PATIENCE_MS = 250

/** Counts, each a key that expires. */
export class RedisCounters implements Counters {
  readonly #connection: Connection
  readonly #keys: LogKeys

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
  }

  async add(additions: readonly Addition[]): Promise<Count[]> {
    for (const addition of additions) mustBeAddition(addition)
    if (additions.length === 0) return []
    const keys = additions.map(({ key }) => counterKey(this.#keys, key))
    const args = additions.flatMap(({ amount, windowMs }) => [String(amount), String(windowMs)])
    const found = await runScript<number[]>(this.#connection, 'count', keys, args, PATIENCE_MS)
    return additions.map((_, i) => ({ value: Number(found[2 * i]), resetsInMs: Number(found[2 * i + 1]) }))
  }
}

function mustBeAddition({ key, amount, windowMs }: Addition): void {
  if (typeof key !== 'string' || key === '' || key.length > 300)
    throw wrong('The key of a count must have 1 to 300 characters.')
  if (!Number.isSafeInteger(amount) || amount < 0)
    throw wrong(`What is added to a count must be a whole number of at least 0, got ${amount}.`)
  if (!Number.isSafeInteger(windowMs) || windowMs < 1)
    throw wrong(`The window of a count must be a whole number of ms of at least 1, got ${windowMs}.`)
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
