import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { appendSome } from '../../src/log/conformance/entries.ts'
import type { EventLog, PartitionMember } from '../../src/log/index.ts'
import { LeasedGroup } from '../../src/log/partitioned/index.ts'
import { SqliteLog } from '../../src/log/sqlite/index.ts'

/** A change of a group makes fewer calls to the log. */
const MOST_CALLS = 40
/** Leases of a process that died in a change have ended after this time. */
const LATER_MS = 60_000
const PARTS = ['cursors', 'leases', 'collections'] as const

let now = 1_800_000_000_000

async function newLog(): Promise<SqliteLog> {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-crash-'))
  const log = new SqliteLog({ path: join(folder, 'log.db'), clock: { ...systemClock, now: () => now } })
  onTestFinished(async () => {
    await log.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await log.start()
  return log
}

/** The log of a process that dies after this number of calls: none of its later calls reaches the log. */
function dyingAfter(log: EventLog, calls: number): EventLog {
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
  const parts = Object.fromEntries(PARTS.map((part) => [part, mortal(log[part], () => true)]))
  return mortal(log, (name) => name === 'commit' || name === 'groupNames', parts) as EventLog
}

function memberOf(log: EventLog, partitions = 4): PartitionMember {
  const cut = {
    partitions,
    partitionOf: ({ payload }: { payload: string | null }) => Number(payload?.split(' ')[1]) % partitions
  }
  return new LeasedGroup('group', log).join('one', { leaseMs: 1_000, cut })
}

async function readAll(log: EventLog, partitions = 4): Promise<number[]> {
  const member = memberOf(log, partitions)
  await member.renew()
  const read = await member.read({ limit: 100, waitMs: 0 })
  await member.commit(read.map((delivery) => ({ done: [delivery] })))
  await member.renew()
  await member.leave()
  return read.map(({ payload }) => Number(payload?.split(' ')[1])).sort((a, b) => a - b)
}

/** A group with four partitions that stands behind the first four of eight entries. */
async function standing(): Promise<SqliteLog> {
  const log = await newLog()
  await appendSome(log, 4)
  await log.partitioned('group').create('start')
  await readAll(log)
  await appendSome(log, 4, 4)
  return log
}

/** Runs a change in processes that die after 0, 1, 2, … calls, until one lives to its end. */
async function dieEverywhere(
  change: (log: EventLog) => Promise<unknown>,
  after: (log: SqliteLog) => Promise<void>
): Promise<number> {
  for (let calls = 0; calls < MOST_CALLS; calls++) {
    const log = await standing()
    const isDone = await change(dyingAfter(log, calls)).then(
      () => true,
      () => false
    )
    now += LATER_MS
    await after(log)
    if (isDone) return calls
  }
  throw new Error(`The change makes more than ${MOST_CALLS} calls.`)
}

test('a process that dies anywhere while it destroys a group leaves one that can be destroyed and restored, and nothing that guards', async () => {
  const calls = await dieEverywhere(
    (log) => new LeasedGroup('group', log).destroy(),
    async (log) => {
      const group = log.partitioned('group')
      await group.destroy()
      expect(await group.exists()).toBe(false)
      expect(await log.trim({ maxLength: 4 })).toMatchObject({ removed: 4, guarded: false })
      await group.restore('end')
      expect(await readAll(log)).toEqual([4, 5, 6, 7])
    }
  )
  expect(calls).toBeGreaterThan(5)
})

test('a process that dies anywhere while it restores a group leaves one that can be restored where it stood', async () => {
  await dieEverywhere(
    async (log) => {
      const group = new LeasedGroup('group', log)
      await group.destroy()
      await group.restore('end')
    },
    async (log) => {
      await log.partitioned('group').restore('end')
      expect(await readAll(log)).toEqual([4, 5, 6, 7])
    }
  )
})

test('a process that dies anywhere while it retires a group leaves a group that stands where it stood', async () => {
  await dieEverywhere(
    (log) => new LeasedGroup('group', log).retire(),
    async (log) => {
      const group = log.partitioned('group')
      const at = await group.retire()
      await log.group('group').create({ after: at ?? '0-0' })
      await group.forget()
      const rest = await log.group('group').read('consumer', { limit: 10, waitMs: 0 })
      expect(rest.map(({ payload }) => payload)).toEqual(['entry 4', 'entry 5', 'entry 6', 'entry 7'])
    }
  )
})

test('a process that dies anywhere while it moves a group leaves all partitions moved, or none', async () => {
  await dieEverywhere(
    (log) => new LeasedGroup('group', log).seek('start'),
    async (log) => {
      const read = await readAll(log)
      expect([4, 8]).toContain(read.length)
    }
  )
})

test('a process that dies anywhere while it gives a group another number of partitions leaves one that goes on with either', async () => {
  await dieEverywhere(
    (log) => memberOf(log, 2).renew(),
    async (log) => {
      expect(await readAll(log, 2)).toEqual([4, 5, 6, 7])
      expect(await log.trim({ maxLength: 0 })).toMatchObject({ guarded: false })
    }
  )
})
