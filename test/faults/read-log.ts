import { DatabaseSync } from 'node:sqlite'
import { connectRaw, readStream } from '../support/read-stream.ts'
import type { LogEntry } from './check.ts'
import { EFFECT, STREAM } from './settings.ts'

/** The collection that has the dead letters. */
const DEAD_LETTERS = 'dead-letters'

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
    const streams = [STREAM, ...(await client.keys(`${STREAM}:type:*`))]
    const pages = await Promise.all(streams.map((stream) => readStream(client, stream)))
    const entries = pages
      .flat()
      .map(({ id, fields }) => entryOf(id, fields.event ?? ''))
      .sort((a, b) => compareIds(a.messageId, b.messageId))
    return { entries, deadLetters: await client.zCard(`${STREAM}:document-ids:${DEAD_LETTERS}`) }
  } finally {
    await client.close()
  }
}

function compareIds(a: string, b: string): number {
  const [msA = 0, sequenceA = 0] = a.split('-').map(Number)
  const [msB = 0, sequenceB = 0] = b.split('-').map(Number)
  return msA - msB || sequenceA - sequenceB
}

async function readSqlite(path: string): Promise<LogContent> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare('SELECT CAST(id AS TEXT) AS id, payload FROM entries ORDER BY entries.id').all()
    const count = "SELECT count(*) AS count FROM documents WHERE collection = ? AND id <> ''"
    const [letters] = database.prepare(count).all(DEAD_LETTERS)
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
