import type { Erased, LogRecord, Records } from '../port.ts'
import { mustBeRecordName } from './arguments.ts'
import { ON_DISK } from './collections.ts'
import type { Connection } from './connection.ts'
import { type LogKeys, recordsKey } from './keys.ts'
import { runScript } from './scripts.ts'

/** The field of a collection's hash that has its revision. */
const REVISION = ''

/** Records, a hash for each collection: under its id each has its revision, a colon and its value. */
export class RedisRecords implements Records {
  readonly #connection: Connection
  readonly #keys: LogKeys

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
  }

  async revision(collection: string): Promise<number> {
    return Number((await this.#connection.read<string | null>(['HGET', this.#keyOf(collection), REVISION])) ?? 0)
  }

  async list(collection: string): Promise<{ revision: number; records: LogRecord[] }> {
    const fields = await this.#connection.read<string[]>(['HGETALL', this.#keyOf(collection)])
    const records: LogRecord[] = []
    let revision = 0
    for (let i = 0; i < fields.length; i += 2) {
      const [id, text] = fields.slice(i, i + 2) as [string, string]
      if (id === REVISION) revision = Number(text)
      else records.push(recordOf(id, text))
    }
    return { revision, records }
  }

  async get(collection: string, id: string): Promise<LogRecord | undefined> {
    const key = this.#keyOf(collection)
    const text = await this.#connection.read<string | null>(['HGET', key, mustBeRecordName('id of a record', id)])
    return text === null ? undefined : recordOf(id, text)
  }

  async put(collection: string, id: string, value: string, expected?: number): Promise<number | undefined> {
    return (await this.#change(collection, id, 'put', value, String(expected ?? ''))) ?? undefined
  }

  async erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined> {
    const revision = await this.put(collection, id, value, expected)
    return revision === undefined ? undefined : { revision, remains: ON_DISK }
  }

  async remove(collection: string, id: string): Promise<boolean> {
    return (await this.#change(collection, id, '')) !== null
  }

  async #change(collection: string, id: string, ...how: readonly string[]): Promise<number | null> {
    const key = this.#keyOf(collection)
    const args = [mustBeRecordName('id of a record', id), ...how]
    return runScript<number | null>(this.#connection.durable, 'record', [key], args)
  }

  #keyOf(collection: string): string {
    return recordsKey(this.#keys, mustBeRecordName('name of a collection', collection))
  }
}

function recordOf(id: string, text: string): LogRecord {
  const colon = text.indexOf(':')
  return { id, value: text.slice(colon + 1), revision: Number(text.slice(0, colon)) }
}
