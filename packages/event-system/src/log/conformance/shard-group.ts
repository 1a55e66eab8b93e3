import assert from 'node:assert/strict'
import type { EventLog, ShardDelivery, ShardMember } from '../port.ts'
import { shardOfPayload } from './entries.ts'
import { share } from './sharding.ts'

export const SHARDS = 4
export const AN_HOUR_MS = 3_600_000
/** A read that takes all there is at once. */
export const NOW = { limit: 1_000, waitMs: 0 }

export const shardOf = (payload: string | null) => shardOfPayload(SHARDS)({ messageId: '', appendedAt: 0, payload })

export function member(log: EventLog, name: string, leaseMs: number): ShardMember {
  return log.group('group').sharded(name, { shards: SHARDS, leaseMs, shardOf: shardOfPayload(SHARDS) })
}

export async function alone(log: EventLog) {
  const group = log.group('group')
  await group.create('start')
  const one = member(log, 'one', AN_HOUR_MS)
  await one.renew()
  return { group, one }
}

export async function twoMembers(log: EventLog) {
  const { group, one } = await alone(log)
  const two = member(log, 'two', AN_HOUR_MS)
  await share(one, two)
  return { group, one, two }
}

/** Until there is nothing more at once. */
export async function readToTheEnd(member: ShardMember): Promise<ShardDelivery[]> {
  const all: ShardDelivery[] = []
  for (;;) {
    const page = await member.read({ limit: 7, waitMs: 50 })
    if (page.length === 0) return all
    all.push(...page)
  }
}

export function assertOrdered(log: EventLog, deliveries: readonly ShardDelivery[]): void {
  const last = new Map<number, string>()
  for (const { shard, messageId } of deliveries) {
    const before = last.get(shard)
    if (before !== undefined) assert.ok(log.compare(before, messageId) < 0, `${before} came before ${messageId}`)
    last.set(shard, messageId)
  }
}
