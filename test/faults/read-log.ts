import { DatabaseSync } from 'node:sqlite'
import { connectRaw, readStream } from '../support/read-stream.ts'
import type { LogEntry } from './check.ts'
import { EFFECT, STREAM } from './settings.ts'

export interface LogContent {
  /** In log order. */
  readonly entries: readonly LogEntry[]
  readonly deadLetters: number
}

/** Reads a log by its driver alone. */
export function readLog(place: string): Promise<LogContent> {
  return place.startsWith('redis://') ? readRedis(place) : readSqlite(place)
}

async function readRedis(url: string): Promise<LogContent> {
  const client = await connectRaw(url)
  try {
    const entries = (await readStream(client, STREAM)).map(({ id, fields }) => entryOf(id, fields.event ?? ''))
    return { entries, deadLetters: await client.zCard(`${STREAM}:document-ids:dead-letters`) }
  } finally {
    await client.close()
  }
}

async function readSqlite(path: string): Promise<LogContent> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare('SELECT CAST(id AS TEXT) AS id, payload FROM entries ORDER BY entries.id').all()
    const [letters] = database.prepare('SELECT count(*) AS count FROM dead_letters').all()
    return {
      entries: rows.map(({ id, payload }) => entryOf(String(id), String(payload))),
      deadLetters: Number(letters?.count)
    }
  } finally {
    database.close()
  }
}

function entryOf(messageId: string, payload: string): LogEntry {
  const { event_type: type, data } = JSON.parse(payload)
  return type === EFFECT
    ? { messageId, what: 'effect', key: data.of, number: data.number }
    : { messageId, what: 'event', key: data.symbol, number: data.number }
}
