import { DatabaseSync } from 'node:sqlite'
import { connectRaw, readStream } from '../support/read-stream.ts'
import type { LogEntry } from './check.ts'
import { STREAM } from './settings.ts'

/** Reads the log by the driver alone. */
export async function readLog(url: string): Promise<LogEntry[]> {
  const client = await connectRaw(url)
  try {
    const entries = await readStream(client, STREAM)
    return entries.map(({ id: messageId, fields }) => {
      const { event_id: eventId, source: publisher, data } = JSON.parse(fields.event ?? '')
      return { messageId, eventId, publisher, key: data.symbol, number: data.number }
    })
  } finally {
    await client.close()
  }
}

/** How many records wait in the file of a spool. */
export function recordsIn(spoolPath: string): number {
  const database = new DatabaseSync(spoolPath, { readOnly: true })
  try {
    return Number(database.prepare('SELECT count(*) AS count FROM entries').get()?.count)
  } finally {
    database.close()
  }
}
