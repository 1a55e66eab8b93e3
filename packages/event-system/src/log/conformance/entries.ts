import assert from 'node:assert/strict'
import type { AppendEntry, Checkpoint, Entry, MessageId, PartitionedGroup, Position, Storage } from '../port.ts'
import { positionsIn } from '../positions.ts'

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
  for (let from: Position = 'start'; ; ) {
    const { entries, position } = await storage.log.read({ from, limit })
    all.push(...entries)
    if (entries.length < limit) return all
    from = { after: position }
  }
}

/** The position behind an entry that is there: all entries up to it are passed, as the log is read. Where the order is total, that is its id. */
export async function behind(storage: Storage, messageId = ''): Promise<Checkpoint> {
  if (storage.features.totalOrder) return messageId
  for (let from: Position = 'start'; ; ) {
    const page = await storage.log.read({ from, limit: 1_000 })
    const place = page.entries.findIndex((entry) => entry.messageId === messageId)
    if (place >= 0) return positionsIn(storage.log, page)[place] as Checkpoint
    assert.ok(page.entries.length === 1_000, `there is no entry ${messageId}`)
    from = { after: page.position }
  }
}

/** The positions behind so many entries that are appended now. */
export async function appendedPositions(storage: Storage, count: number): Promise<Checkpoint[]> {
  const positions: Checkpoint[] = []
  for (const messageId of await appendSome(storage, count)) positions.push(await behind(storage, messageId))
  return positions
}

/** Which of two entries stands before the other, in a log with a total order. */
export function compareIn({ log }: Storage, a: MessageId, b: MessageId): number {
  const order = log.compare(a, b)
  assert.notEqual(order, undefined, `${a} and ${b} have no order`)
  return order as number
}

/** Fails unless the ids grow as they stand, those of one partition each: entries of several have no order by their ids. */
export function assertGrowing({ log }: Pick<Storage, 'log'>, messageIds: readonly MessageId[]): void {
  const lasts: MessageId[] = []
  for (const messageId of messageIds) {
    const partition = lasts.findIndex((last) => log.compare(last, messageId) !== undefined)
    const last = lasts[partition]
    if (last === undefined) lasts.push(messageId)
    else {
      assert.ok((log.compare(last, messageId) as number) < 0, `${last} was to stand before ${messageId}`)
      lasts[partition] = messageId
    }
  }
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
