import assert from 'node:assert/strict'
import type { EventLog } from '../port.ts'
import { appendSome, idsOf } from './entries.ts'
import { eventually, pause } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000

export const claimCases: readonly ConformanceCase[] = [
  {
    title: 'claim: takes over pending entries only when they were idle for minIdleMs',
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 3)
      const before = performance.now()
      assert.deepEqual(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 }), [])
      const claimed = await eventually('a claim', async () => {
        const deliveries = await group.claim('heir', { minIdleMs: 200, limit: 10 })
        return deliveries.length > 0 && deliveries
      })
      assert.ok(performance.now() - before >= 150)
      assert.deepEqual(idsOf(claimed), ids)
      assert.deepEqual(
        await group.claim('another', { minIdleMs: 60_000, limit: 10 }),
        [],
        'a claim starts the idle time anew'
      )
    }
  },
  {
    title: 'claim: whoever held them, in log order, at most limit, and counts a delivery for each',
    async run(harness) {
      const { log, group, ids } = await handedOut(await harness.open(), 5)
      await appendSome(log, 2, 5)
      const more = idsOf(await group.read('another', { limit: 10, waitMs: 0 }))
      assert.deepEqual(await group.claim('heir', { minIdleMs: 0, limit: 2 }), [
        { messageId: ids[0], payload: 'entry 0', attempt: 2 },
        { messageId: ids[1], payload: 'entry 1', attempt: 2 }
      ])
      const all = await group.claim('another', { minIdleMs: 0, limit: 100 })
      assert.deepEqual(idsOf(all), [...ids, ...more])
      assert.deepEqual(
        all.map(({ attempt }) => attempt),
        [3, 3, 2, 2, 2, 2, 2]
      )
      const pending = await group.pending({ limit: 100 })
      assert.ok(pending.every(({ consumer }) => consumer === 'another'))
      assert.deepEqual(
        pending.map(({ deliveries }) => deliveries),
        [3, 3, 2, 2, 2, 2, 2]
      )
    }
  },
  {
    title: 'claim: of two that race, each entry goes to one',
    async run(harness) {
      const { log, ids } = await handedOut(await harness.open(), 100)
      const other = await harness.open()
      await pause(120)
      const claims = await Promise.all(
        [log, other, log, other].map((each, index) =>
          each.group('group').claim(`heir-${index}`, { minIdleMs: 100, limit: 40 })
        )
      )
      const claimed = idsOf(claims.flat())
      assert.equal(new Set(claimed).size, claimed.length)
      assert.deepEqual(new Set(claimed), new Set(ids))
    }
  },
  {
    title: 'claim: an entry that was trimmed meanwhile is dropped from the pending list and not returned',
    async run(harness) {
      const { log, group, ids } = await handedOut(await harness.open(), 5)
      await log.trim({ maxLength: 2 }, { force: true })
      assert.deepEqual(idsOf(await group.claim('heir', { minIdleMs: 0, limit: 100 })), ids.slice(3))
      assert.deepEqual(idsOf(await group.pending({ limit: 100 })), ids.slice(3))
      assert.equal((await group.info()).pending, 2)
    }
  },
  {
    title: 'redeliver: hands own pending entries out once more and counts a delivery for each',
    async run(harness) {
      const { log, group, ids } = await handedOut(await harness.open(), 3)
      await pause(50)
      assert.deepEqual(await group.redeliver('consumer', ids.slice(1, 2)), [
        { messageId: ids[1], payload: 'entry 1', attempt: 2 }
      ])
      const other = (await harness.open()).group('group')
      const before = performance.now()
      const again = await other.redeliver('consumer', ids)
      assert.deepEqual(
        again.map(({ messageId, attempt }) => [messageId, attempt]),
        [
          [ids[0], 2],
          [ids[1], 3],
          [ids[2], 2]
        ]
      )
      const pending = await group.pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ deliveries }) => deliveries),
        [2, 3, 2]
      )
      const sinceThenMs = performance.now() - before + 2
      assert.ok(
        pending.every(({ idleMs }) => idleMs <= sinceThenMs),
        'it was handed out just now'
      )
      assert.equal((await log.info()).length, 3)
    }
  },
  {
    title: 'redeliver: entries that another consumer has claimed, or that are done, are not returned and not counted',
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 3)
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      await group.acknowledge(ids.slice(1, 2))
      assert.deepEqual(idsOf(await group.redeliver('consumer', ids)), ids.slice(2))
      const pending = await group.pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ messageId, consumer, deliveries }) => [messageId, consumer, deliveries]),
        [
          [ids[0], 'heir', 2],
          [ids[2], 'consumer', 2]
        ]
      )
    }
  },
  {
    title: 'extend: sets the idle time of own pending entries to 0; resolves to the ids that are still its own',
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 4)
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      await group.acknowledge(ids.slice(1, 2))
      await pause(60)
      assert.deepEqual(await group.extend('consumer', ids), ids.slice(2))
      assert.deepEqual(await group.extend('consumer', []), [])
      const pending = await group.pending({ limit: 10 })
      const othersIdleMs = pending[0]?.idleMs ?? 0
      assert.ok(othersIdleMs >= 50, "another's entry idles on")
      assert.ok(pending.slice(1).every(({ idleMs, deliveries }) => idleMs <= othersIdleMs - 50 && deliveries === 1))
    }
  },
  {
    title:
      'release: hands own pending entries back: at once claimable by any, whatever minIdleMs, and the delivery is not counted',
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 3)
      await group.release('consumer', ids.slice(0, 2))
      assert.deepEqual(
        (await group.pending({ limit: 10 })).map(({ consumer }) => consumer),
        ['', '', 'consumer'],
        'it is still not acknowledged, and nobody holds it'
      )
      const claimed = await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 })
      assert.deepEqual(
        claimed.map(({ messageId, attempt }) => [messageId, attempt]),
        [
          [ids[0], 1],
          [ids[1], 1]
        ]
      )
      assert.deepEqual(await group.claim('another', { minIdleMs: AN_HOUR_MS, limit: 10 }), [], 'and then held again')
    }
  },
  {
    title: 'release: a consumer that handed all back holds nothing: it can be removed, and the entries stay',
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 2)
      await group.release('consumer', ids)
      assert.deepEqual(await group.extend('consumer', ids), [])
      assert.equal(await group.removeConsumer('consumer'), true)
      assert.deepEqual((await group.info()).consumers, [], 'nobody holds them')
      assert.deepEqual(idsOf(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 })), ids)
    }
  },
  {
    title: "release: does not touch another consumer's entries",
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 2)
      await group.release('another', ids)
      assert.deepEqual(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 }), [])
      assert.deepEqual(idsOf(await group.pending({ limit: 10, consumer: 'consumer' })), ids)
    }
  }
]

/** So many new entries that the consumer `consumer` of the group `group` holds. */
async function handedOut(log: EventLog, count: number) {
  const ids = await appendSome(log, count)
  const group = log.group('group')
  await group.create('start')
  await group.read('consumer', { limit: count, waitMs: 0 })
  return { log, group, ids }
}
