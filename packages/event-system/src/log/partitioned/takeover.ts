import { setTimeout as pause } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import type { Fence, Leases } from '../port.ts'
import { changeName, leasesOf, partitionName } from './names.ts'

/** Long enough for one change of the group; when the process dies in it, the members wait for this time, in ms. */
const HOLD_MS = 5_000
/** Owners renew while their leases are taken, and others change the group: it is tried for this time, in ms. */
const PATIENCE_MS = 10_000
const PAUSE_MS = 5

/**
 * Takes the lease of every partition away from its owner for one change of the group. So no owner can finish anything during the change,
 * and each has a new epoch after it. Rejects with `log_busy` where the leases could not be had.
 */
export async function withAllLeases<Result>(
  leases: Leases,
  group: string,
  partitions: number,
  change: (fence: readonly Fence[]) => Promise<Result>
): Promise<Result> {
  const holder = crypto.randomUUID()
  const names = Array.from({ length: partitions }, (_, partition) => partitionName(group, partition))
  try {
    // Two changes would take the leases from each other.
    await acquireAll(leases, [changeName(group)], holder, async () => {})
    return await change(await acquireAll(leases, names, holder, (missing) => takeAway(leases, group, missing)))
  } finally {
    await leases.release([...names, changeName(group)], holder).catch(() => {})
  }
}

async function acquireAll(
  leases: Leases,
  names: readonly string[],
  holder: string,
  onMissing: (names: ReadonlySet<string>) => Promise<void>
): Promise<Fence[]> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const tokens = await leases.acquire(names, { holder, ttlMs: HOLD_MS })
    const missing = new Set(names.filter((_, i) => tokens[i] === undefined))
    if (missing.size === 0) return names.map((lease, i) => ({ lease, token: tokens[i] as number }))
    if (performance.now() > deadline) throw busy(names)
    await onMissing(missing)
    await pause(PAUSE_MS)
  }
}

async function takeAway(leases: Leases, group: string, missing: ReadonlySet<string>): Promise<void> {
  for (const { name, holder } of await leases.list(leasesOf(group))) {
    if (missing.has(name)) await leases.release([name], holder)
  }
}

function busy(names: readonly string[]): EventSystemError {
  return new EventSystemError('log_busy', `The leases ${names.join(', ')} were taken by others meanwhile: try again.`)
}
