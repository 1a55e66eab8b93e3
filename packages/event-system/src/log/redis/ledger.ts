import type { Ledger, LedgerEntry } from '../port.ts'
import { mustBeSaid } from './arguments.ts'
import type { Connection, Reply } from './connection.ts'
import { runScript } from './scripts.ts'
import { ledgerArguments } from './settlements.ts'

/** So many event ids or entries go into one call, at most: the server does nothing else meanwhile. */
const STEP = 500

/** A group's ledger, in two hashes that take turns. */
export class RedisLedger implements Ledger {
  readonly #connection: Connection
  readonly #keys: readonly string[]
  readonly #retention: string

  constructor(connection: Connection, keys: readonly string[], retentionMs: number) {
    this.#connection = connection
    this.#keys = keys
    this.#retention = String(retentionMs)
  }

  async read(eventIds: readonly string[]): Promise<LedgerEntry[]> {
    const entries: LedgerEntry[] = []
    const ids = [...new Set(eventIds)]
    for (let from = 0; from < ids.length; from += STEP) {
      const found = await this.#run<(string | null)[]>('read', ids.slice(from, from + STEP))
      for (let i = 0; i < found.length; i += 3) {
        const [eventId, step, value] = found.slice(i, i + 3) as [string, string, string | null]
        entries.push({ eventId, step, value })
      }
    }
    return entries
  }

  async begin(eventId: string, step: string): Promise<LedgerEntry | undefined> {
    const [value] = await this.#run<(string | null)[]>('begin', [mustBeSaid('An event id', eventId), step])
    return value === undefined ? undefined : { eventId, step, value }
  }

  async write(entries: readonly LedgerEntry[]): Promise<void> {
    const steps = entries.map(ledgerArguments)
    for (let from = 0; from < steps.length; from += STEP)
      await this.#run('write', steps.slice(from, from + STEP).flat())
  }

  async forget(eventId: string, step: string): Promise<boolean> {
    return (await this.#run<number>('forget', [mustBeSaid('An event id', eventId), step])) === 1
  }

  #run<R extends Reply>(task: string, args: readonly string[]): Promise<R> {
    return runScript<R>(this.#connection, 'ledger', this.#keys, [this.#retention, task, ...args])
  }
}
