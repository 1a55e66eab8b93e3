import type { TextVault } from '../../codec/index.ts'
import type { AppendEntry, EventLog, MessageId } from '../../log/index.ts'
import { decodeRecord, type SpoolRecord } from './record.ts'

const PAGE = 1_000

/** An event that waits in a spool. */
export interface SpooledEvent extends AppendEntry {
  /** When it was published, ms since the epoch. */
  readonly spooledAt: number
}

/** What waits in a spool, oldest first, also while its process uses it. `store` is a started log on its file. */
export async function* readSpool(store: EventLog): AsyncIterable<SpooledEvent> {
  for await (const { messageId, record } of recordsOf(store)) {
    const spooledAt = store.timeOf(messageId)
    for (const entry of record.entries) yield { ...entry, spooledAt }
  }
}

/** What was published together, oldest first. */
export async function* recordsOf(
  store: EventLog,
  vault?: TextVault
): AsyncIterable<{ messageId: MessageId; record: SpoolRecord }> {
  let after: MessageId | undefined
  for (;;) {
    const page = await store.read({ limit: PAGE, from: after === undefined ? 'start' : { after } })
    for (const { messageId, payload } of page) yield { messageId, record: decodeRecord(payload, vault) }
    after = page.at(-1)?.messageId
    if (page.length < PAGE) return
  }
}
