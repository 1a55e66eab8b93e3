import type { TextVault } from '../../codec/index.ts'
import type { AppendEntry, Storage } from '../../log/index.ts'
import { pagesOf } from './pages.ts'
import { decodeRecord, RECORD, type SpoolRecord } from './record.ts'

/** An event that waits in a spool. */
export interface SpooledEvent extends AppendEntry {
  /** When it was published, ms since the epoch. */
  readonly spooledAt: number
}

/** What waits in a spool, oldest first, also while its process uses it. `store` is a started log on its file. */
export async function* readSpool(store: Storage): AsyncIterable<SpooledEvent> {
  for await (const { spooledAt, record } of recordsOf(store)) {
    for (const entry of record.entries) yield { ...entry, spooledAt }
  }
}

/** What was published together, oldest first. */
export async function* recordsOf(
  store: Storage,
  vault?: TextVault
): AsyncIterable<{ spooledAt: number; record: SpoolRecord }> {
  for await (const page of pagesOf(store, RECORD)) {
    for (const { appendedAt, payload } of page) yield { spooledAt: appendedAt, record: decodeRecord(payload, vault) }
  }
}
