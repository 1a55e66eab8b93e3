import assert from 'node:assert/strict'
import type { Cut, PartitionDelivery, PartitionMember, PartitionUnit, Storage, UnitResult } from '../port.ts'
import { compareIn, partitionedOf, partitionOfPayload } from './entries.ts'
import { eventually } from './expect.ts'

export const PARTITIONS = 4
const AN_HOUR_MS = 3_600_000
/** A read that takes all there is at once. */
export const NOW = { limit: 1_000, waitMs: 0 }

function cutInto(partitions: number): Cut {
  return { partitions, partitionOf: partitionOfPayload(partitions) }
}

export function member(storage: Storage, name: string, leaseMs = AN_HOUR_MS, partitions = PARTITIONS): PartitionMember {
  return partitionedOf(storage, 'group').join(name, { leaseMs, cut: cutInto(partitions) })
}

/** The group `group` from the start, with one member that owns all partitions. */
export async function alone(storage: Storage, leaseMs = AN_HOUR_MS) {
  const group = partitionedOf(storage, 'group')
  await group.create('start')
  const one = member(storage, 'one', leaseMs)
  await one.renew()
  return { group, one }
}

/** Two members own two partitions each. */
export async function twoMembers(storage: Storage) {
  const { group, one } = await alone(storage)
  const two = member(storage, 'two')
  await share(one, two)
  return { group, one, two }
}

export async function share(one: PartitionMember, two: PartitionMember): Promise<void> {
  await one.renew()
  await two.renew()
  await one.giveUp((await one.renew()).surplus)
  assert.equal((await two.renew()).owned.length, PARTITIONS / 2)
}

/** Resolves when the member owns every partition, since no other lives any more. */
export async function heir(two: PartitionMember): Promise<void> {
  await eventually('the partitions of the dead', async () => (await two.renew()).owned.length === PARTITIONS)
}

/** All that comes within a moment. */
export async function readToTheEnd(one: PartitionMember): Promise<PartitionDelivery[]> {
  const all: PartitionDelivery[] = []
  for (;;) {
    const page = await one.read({ limit: 7, waitMs: 50 })
    if (page.length === 0) return all
    all.push(...page)
  }
}

/** Reads all there is and finishes it, page by page. */
export async function workToTheEnd(one: PartitionMember): Promise<PartitionDelivery[]> {
  const all: PartitionDelivery[] = []
  for (;;) {
    const page = await one.read({ limit: 7, waitMs: 50 })
    if (page.length === 0) return all
    await finish(one, page)
    all.push(...page)
  }
}

/** Each delivery a unit. */
export function unitsOf(deliveries: readonly PartitionDelivery[]): PartitionUnit[] {
  return deliveries.map((delivery) => ({ done: [delivery] }))
}

export async function finish(one: PartitionMember, deliveries: readonly PartitionDelivery[]): Promise<void> {
  assertAll(await one.commit(unitsOf(deliveries)), 'committed')
}

export function assertAll(results: readonly UnitResult[], kind: UnitResult['kind']): void {
  for (const result of results) assert.equal(result.kind, kind, JSON.stringify(result))
}

export function assertOrdered(storage: Storage, deliveries: readonly PartitionDelivery[]): void {
  const last = new Map<number, string>()
  for (const { partition, messageId } of deliveries) {
    const before = last.get(partition)
    if (before !== undefined) assert.ok(compareIn(storage, before, messageId) < 0, `${before} came before ${messageId}`)
    last.set(partition, messageId)
  }
}
