import { DatabaseSync } from 'node:sqlite'
import { connectRaw, readStream } from '../support/read-stream.ts'
import type { LogEntry } from './check.ts'
import { EFFECT, STREAM } from './settings.ts'

export interface LogContent {
  /** In log order, where the log has one. */
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
    const streams = [await readStream(client, STREAM)]
    // Where each event type has a stream, the list of types has their numbers.
    for (const { id, fields } of await readStream(client, `${STREAM}:types`)) {
      const number = Number.parseInt(id, 10)
      const ofType = await readStream(client, `${STREAM}:type:${fields.type}`)
      streams.push(ofType.map((entry) => ({ ...entry, id: `${entry.id}.${number}` })))
    }
    const entries = streams.flat().map(({ id, fields }) => entryOf(id, fields.event ?? ''))
    return { entries, deadLetters: await client.zCard(`${STREAM}:document-ids:dead-letters`) }
  } finally {
    await client.close()
  }
}

async function readSqlite(path: string): Promise<LogContent> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare('SELECT CAST(id AS TEXT) AS id, payload FROM entries ORDER BY entries.id').all()
    const [letters] = database
      .prepare("SELECT count(*) AS count FROM documents WHERE collection = 'dead-letters' AND id <> ''")
      .all()
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
