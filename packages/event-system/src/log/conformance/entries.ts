import assert from 'node:assert/strict'
import type { AppendEntry, Entry, MessageId, PartitionedGroup, Storage } from '../port.ts'

const EVENT_TYPES = ['market_data_update', 'trading_signal', 'order_executed'] as const

let made = 0

/** So many entries with event ids of their own, of the types in turn, whose payloads number them from `first`. */
export function someEntries(count: number, first = 0): AppendEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    eventId: newEventId(),
    eventType: EVENT_TYPES[index % EVENT_TYPES.length] ?? 'order_executed',
    payload: `entry ${first + index}`
  }))
}

/** The partition of the entries of {@link someEntries}: by the last number of the payload. */
export function partitionOfPayload(partitions: number): (entry: Entry) => number {
  return ({ payload }) => Number(/\d+$/.exec(payload ?? '0')?.[0] ?? 0) % partitions
}

export function newEventId(): string {
  made += 1
  return `event-${process.pid}-${made}`
}

/** Appends so many entries, resolves to their message ids. */
export async function appendSome(storage: Storage, count: number, first = 0): Promise<MessageId[]> {
  const results = await storage.log.append(someEntries(count, first))
  return results.map(({ messageId }) => messageId)
}

/** So many new entries that the consumer `consumer` of the group `group` holds. */
export async function handedOut(storage: Storage, count: number) {
  const ids = await appendSome(storage, count)
  const group = storage.queue('group')
  await group.create('start')
  const deliveries = await group.read('consumer', { limit: count, waitMs: 0 })
  return { storage, group, ids, deliveries }
}

/** All entries of the log, oldest first, by pages of `limit`. */
export async function readAll(storage: Storage, limit = 1_000): Promise<Entry[]> {
  const all: Entry[] = []
  for (;;) {
    const last = all.at(-1)
    const page = (await storage.log.read(last === undefined ? { limit } : { from: { after: last.messageId }, limit }))
      .entries
    all.push(...page)
    if (page.length < limit) return all
  }
}

/** Which of two entries of one partition stands before the other. */
export function compareIn({ log }: Storage, a: MessageId, b: MessageId): number {
  const order = log.compare(a, b)
  assert.notEqual(order, undefined, `${a} and ${b} have no order`)
  return order as number
}

/** A handle of a partitioned group, of a storage that is declared to have them. */
export function partitionedOf(storage: Storage, name: string): PartitionedGroup {
  assert.ok(storage.partitioned, 'the storage is declared to have partitioned groups')
  return storage.partitioned(name)
}

/** When the log took an entry that is there, ms since the epoch. */
export async function timeOf(storage: Storage, messageId: MessageId | undefined): Promise<number> {
  const [entry] = await storage.log.get([messageId ?? ''])
  assert.ok(entry, `there is no entry ${messageId}`)
  return entry.appendedAt
}

export function idsOf(entries: readonly { readonly messageId: MessageId }[]): MessageId[] {
  return entries.map(({ messageId }) => messageId)
}

export function payloadsOf(entries: readonly Entry[]): (string | null)[] {
  return entries.map(({ payload }) => payload)
}

/** Numbers from 0 to under 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
