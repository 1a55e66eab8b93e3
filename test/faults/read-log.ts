import { DatabaseSync } from 'node:sqlite'
import { createClient } from 'redis'
import type { LogEntry } from './check.ts'
import { STREAM } from './settings.ts'

const PAGE = 5_000

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
  const client = await createClient({ url }).connect()
  try {
    const entries: LogEntry[] = []
    for (let from = '-'; ; ) {
      const page = (await client.xRange(STREAM, from, '+', { COUNT: PAGE })) ?? []
      for (const { id, message } of page) entries.push(entryOf(id, message.event ?? ''))
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) break
      from = `(${last.id}`
    }
    return { entries, deadLetters: await client.xLen(`${STREAM}:dead_letters`) }
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
  return type === 'market_data_update'
    ? { messageId, what: 'event', key: data.symbol, number: data.number }
    : { messageId, what: 'effect', key: data.of, number: data.number }
}
