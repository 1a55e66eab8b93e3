import { existsSync } from 'node:fs'
import { readDiary } from '../support/diary.ts'
import type { Entry } from './diary.ts'

/** What a publisher that is started again knows of its past. */
export interface Memory {
  /** By key: the last number that was offered. */
  readonly lastNumbers: ReadonlyMap<string, number>
  /** What was offered and neither promised nor given up, by key and in the order of its numbers. */
  readonly open: ReadonlyMap<string, readonly Entry[]>
}

export async function memoryOf(publisher: string, diary: string): Promise<Memory> {
  const own = existsSync(diary) ? (await readDiary<Entry>(diary)).filter((entry) => entry.publisher === publisher) : []
  const lastNumbers = new Map<string, number>()
  const open = new Map<string, Entry>()
  for (const entry of own) {
    lastNumbers.set(entry.key, Math.max(lastNumbers.get(entry.key) ?? 0, entry.number))
    if (entry.what === 'offered') open.set(entry.eventId, entry)
    if (entry.what === 'published' || entry.what === 'spooled' || entry.what === 'given up') open.delete(entry.eventId)
  }
  const inOrder = [...open.values()].toSorted((one, other) => one.number - other.number)
  return { lastNumbers, open: Map.groupBy(inOrder, ({ key }) => key) }
}
