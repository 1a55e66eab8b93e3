import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { appendSome } from '../../src/log/conformance/entries.ts'
import type { PartitionMember, Storage } from '../../src/log/index.ts'
import { LeasedGroup } from '../../src/log/partitioned/index.ts'
import { mustPartition } from '../../src/log/partitioned-group.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

/** A change of a group makes fewer calls to the log. */
const MOST_CALLS = 40
/** Leases of a process that died in a change have ended after this time. */
const LATER_MS = 60_000
const PARTS = ['cursors', 'leases', 'collections'] as const

let now = 1_800_000_000_000

async function newLog(): Promise<SqliteStorage> {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-crash-'))
  const storage = new SqliteStorage({ path: join(folder, 'log.db'), clock: { ...systemClock, now: () => now } })
  onTestFinished(async () => {
    await storage.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await storage.start()
  return storage
}

/** The log of a process that dies after this number of calls: none of its later calls reaches the log. */
function dyingAfter(storage: Storage, calls: number): Storage {
  let left = calls
  const mortal = (target: object, dies: (name: string) => boolean, parts: Readonly<Record<string, unknown>> = {}) =>
    new Proxy(target, {
      get(_, name) {
        if (String(name) in parts) return parts[String(name)]
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (dies(String(name)) && left-- <= 0) return Promise.reject(new Error('the process is dead'))
          return value.apply(target, args)
        }
      }
    })
  const parts = Object.fromEntries(PARTS.map((part) => [part, mortal(storage[part], () => true)]))
  return mortal(storage, (name) => name === 'commit' || name === 'groupNames', parts) as Storage
}

function memberOf(storage: Storage, partitions = 4): PartitionMember {
  const cut = {
    partitions,
    partitionOf: ({ payload }: { payload: string | null }) => Number(payload?.split(' ')[1]) % partitions
  }
  return new LeasedGroup('group', storage).join('one', { leaseMs: 1_000, cut })
}

async function readAll(storage: Storage, partitions = 4): Promise<number[]> {
  const member = memberOf(storage, partitions)
  await member.renew()
  const read = await member.read({ limit: 100, waitMs: 0 })
  await member.commit(read.map((delivery) => ({ done: [delivery] })))
  await member.renew()
  await member.leave()
  return read.map(({ payload }) => Number(payload?.split(' ')[1])).sort((a, b) => a - b)
}

/** A group with four partitions that stands behind the first four of eight entries. */
async function standing(): Promise<SqliteStorage> {
  const storage = await newLog()
  await appendSome(storage, 4)
  await mustPartition(storage, 'group').create('start')
  await readAll(storage)
  await appendSome(storage, 4, 4)
  return storage
}

/** Runs a change in processes that die after 0, 1, 2, … calls, until one lives to its end. */
async function dieEverywhere(
  change: (storage: Storage) => Promise<unknown>,
  after: (storage: SqliteStorage) => Promise<void>
): Promise<number> {
  for (let calls = 0; calls < MOST_CALLS; calls++) {
    const storage = await standing()
    const isDone = await change(dyingAfter(storage, calls)).then(
      () => true,
      () => false
    )
    now += LATER_MS
    await after(storage)
    if (isDone) return calls
  }
  throw new Error(`The change makes more than ${MOST_CALLS} calls.`)
}

test('a process that dies anywhere while it destroys a group leaves one that can be destroyed and restored, and nothing that guards', async () => {
  const calls = await dieEverywhere(
    (storage) => new LeasedGroup('group', storage).destroy(),
    async (storage) => {
      const group = mustPartition(storage, 'group')
      await group.destroy()
      expect(await group.exists()).toBe(false)
      expect(await storage.log.trim({ maxLength: 4 })).toMatchObject({ removed: 4, guarded: false })
      await group.restore('end')
      expect(await readAll(storage)).toEqual([4, 5, 6, 7])
    }
  )
  expect(calls).toBeGreaterThan(5)
})

test('a process that dies anywhere while it restores a group leaves one that can be restored where it stood', async () => {
  await dieEverywhere(
    async (storage) => {
      const group = new LeasedGroup('group', storage)
      await group.destroy()
      await group.restore('end')
    },
    async (storage) => {
      await mustPartition(storage, 'group').restore('end')
      expect(await readAll(storage)).toEqual([4, 5, 6, 7])
    }
  )
})

test('a process that dies anywhere while it retires a group leaves a group that stands where it stood', async () => {
  await dieEverywhere(
    (storage) => new LeasedGroup('group', storage).retire(),
    async (storage) => {
      const group = mustPartition(storage, 'group')
      const at = await group.retire()
      await storage.queue('group').create({ after: at ?? '0-0' })
      await group.forget()
      const rest = await storage.queue('group').read('consumer', { limit: 10, waitMs: 0 })
      expect(rest.map(({ payload }) => payload)).toEqual(['entry 4', 'entry 5', 'entry 6', 'entry 7'])
    }
  )
})

test('a process that dies anywhere while it moves a group leaves all partitions moved, or none', async () => {
  await dieEverywhere(
    (storage) => new LeasedGroup('group', storage).seek('start'),
    async (storage) => {
      const read = await readAll(storage)
      expect([4, 8]).toContain(read.length)
    }
  )
})

test('a process that dies anywhere while it gives a group another number of partitions leaves one that goes on with either', async () => {
  await dieEverywhere(
    (storage) => memberOf(storage, 2).renew(),
    async (storage) => {
      expect(await readAll(storage, 2)).toEqual([4, 5, 6, 7])
      expect(await storage.log.trim({ maxLength: 0 })).toMatchObject({ guarded: false })
    }
  )
})
