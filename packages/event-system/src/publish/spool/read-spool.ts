import type { AppendEntry, EventLog } from '../../log/index.ts'
import { decodeRecord } from './record.ts'

const PAGE = 1_000

/** An event that waits in a spool. */
export interface SpooledEvent extends AppendEntry {
  /** When it was published, ms since the epoch. */
  readonly spooledAt: number
}

/** What waits in a spool, oldest first, also while its process uses it. `store` is a started log on its file. */
export async function* readSpool(store: EventLog): AsyncIterable<SpooledEvent> {
  let after: string | undefined
  for (;;) {
    const page = await store.read({ limit: PAGE, from: after === undefined ? 'start' : { after } })
    for (const { messageId, payload } of page) {
      const spooledAt = store.timeOf(messageId)
      for (const entry of decodeRecord(payload).entries) yield { ...entry, spooledAt }
    }
    after = page.at(-1)?.messageId
    if (page.length < PAGE) return
  }
}
