import assert from 'node:assert/strict'
import type { Delivery, Settlement } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { appendSome, handedOut, idsOf, newEventId, payloadsOf, readAll, someEntries } from './entries.ts'
import { eventually } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000

export const settleCases: readonly ConformanceCase[] = [
  {
    title: 'settle: done acknowledges, appends the effects and writes to the ledger',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const results = await group.settle('consumer', [
        withEffects(deliveries[0], 'first'),
        { ...holdOf(deliveries[1]), outcome: { kind: 'done' }, remember: [{ eventId: 'e', step: 's', value: 'v' }] }
      ])
      assert.deepEqual(results, [{ kind: 'settled' }, { kind: 'settled' }])
      assert.deepEqual(await group.pending({ limit: 10 }), [])
      assert.deepEqual(payloadsOf(await readAll(log)), ['entry 0', 'entry 1', 'first'])
      assert.deepEqual(await group.ledger.read(['e']), [{ eventId: 'e', step: 's', value: 'v' }])
      assert.deepEqual(await group.settle('consumer', []), [])
    }
  },
  {
    title: 'settle: whose hold is lost appends nothing, remembers nothing and writes no letter; the others are settled',
    async run(harness) {
      const { log, group, ids, deliveries } = await handedOut(await harness.open(), 3)
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      const error = { message: 'No.', at: 1 }
      const letter = {
        consumer: 'consumer',
        handler: null,
        eventType: null,
        payload: null,
        kind: 'rejected',
        attempts: 1,
        firstError: error,
        lastError: error
      } as const
      const remember = [{ eventId: 'e', step: 's', value: 'v' }]
      const results = await group.settle('consumer', [
        { ...withEffects(deliveries[0], 'lost'), remember },
        { ...holdOf(deliveries[0]), outcome: { kind: 'dead', letter } },
        { ...holdOf(deliveries[0]), outcome: { kind: 'retry', note: 'lost' } },
        withEffects(deliveries[1], 'kept')
      ])
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['lost', 'lost', 'lost', 'settled']
      )
      assert.deepEqual(payloadsOf(await readAll(log)).slice(3), ['kept'])
      assert.deepEqual(await group.ledger.read(['e']), [])
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [])
      const pending = await group.pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ messageId, note }) => [messageId, note]),
        [
          [ids[0], undefined],
          [ids[2], undefined]
        ]
      )
    }
  },
  {
    title: 'settle: retry keeps the entry with its consumer; whoever gets it next gets the note with it',
    async run(harness) {
      const { group, ids, deliveries } = await handedOut(await harness.open(), 1)
      const retry = (note: string) => ({ ...holdOf(deliveries[0]), outcome: { kind: 'retry', note } }) as const
      await group.settle('consumer', [retry('first')])
      await group.settle('consumer', [retry('größe')])
      const [pending] = await group.pending({ limit: 10 })
      assert.deepEqual([pending?.messageId, pending?.consumer, pending?.note], [ids[0], 'consumer', 'größe'])
      assert.equal((await group.info()).retrying, 1)
      const [claimed] = await group.claim('heir', { minIdleMs: 0, limit: 10 })
      assert.deepEqual([claimed?.note, claimed?.attempt], ['größe', 2])
      await group.release('heir', claimed === undefined ? [] : [claimed])
      const [again] = await group.claim('consumer', { minIdleMs: AN_HOUR_MS, limit: 10 })
      assert.equal(again?.note, 'größe')
      await group.acknowledge('consumer', again === undefined ? [] : [again])
      await group.seek('start')
      const [anew] = await group.read('consumer', { limit: 1, waitMs: 0 })
      assert.equal(anew?.note, undefined, 'the note went with the acknowledgement')
      assert.equal((await group.info()).retrying, 0)
    }
  },
  {
    title: 'effects: are appended once for a step of an event, also when the group was dropped and handed out anew',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      await group.settle('consumer', [withEffects(deliveries[0], 'once', 'the event')])
      await group.destroy()
      await group.create('start')
      const again = await group.read('consumer', { limit: 1, waitMs: 0 })
      const results = await group.settle('consumer', [withEffects(again[0], 'twice', 'the event')])
      assert.deepEqual(results, [{ kind: 'settled' }])
      assert.deepEqual(payloadsOf(await readAll(log)), ['entry 0', 'once'])
      assert.deepEqual(await group.pending({ limit: 10 }), [])
    }
  },
  {
    title: 'effects: are deduplicated by event id, as ever, and the settlement names those that were there already',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const [known, fresh] = someEntries(2, 10)
      assert.ok(known && fresh)
      const [first] = await log.append([known])
      const effects = (step: string) => [{ eventId: 'e', step, append: [known, fresh] }]
      const settlements = deliveries.map((delivery, i) => ({
        ...holdOf(delivery),
        outcome: { kind: 'done' } as const,
        effects: effects(`step ${i}`)
      }))
      const results = await group.settle('consumer', settlements)
      const entries = await readAll(log)
      assert.deepEqual(payloadsOf(entries).slice(2), ['entry 10', 'entry 11'])
      const knownIsThere = { entry: known, messageId: first?.messageId }
      const bothAreThere = [knownIsThere, { entry: fresh, messageId: entries.at(-1)?.messageId }]
      assert.deepEqual(results, [
        { kind: 'settled', repeated: [knownIsThere] },
        { kind: 'settled', repeated: bothAreThere }
      ])
    }
  },
  {
    title: 'settle: of two that race for the same deliveries, each is settled by one, with its effects',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 60)
      const other = (await harness.open()).group('group')
      const settle = async (each: typeof group, mark: string) => {
        const results = []
        for (const delivery of deliveries) {
          const eventId = `${mark} ${delivery.messageId}`
          results.push(...(await each.settle('consumer', [withEffects(delivery, eventId, eventId)])))
        }
        return results
      }
      const [left, right] = await Promise.all([settle(group, 'left'), settle(other, 'right')])
      for (const [i, { kind }] of left.entries()) assert.notEqual(kind, right[i]?.kind)
      assert.equal((await readAll(log)).length, 120)
    }
  },
  {
    title:
      'settle: a consumer that is killed while it settles leaves each entry acknowledged with its effects, or neither',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      for (let round = 0; round < 3; round += 1) {
        const ids = await appendSome(log, 400)
        await using other = await OtherProcess.start(harness)
        other.begin('settleAll', { group: 'group', consumer: `victim-${round}` })
        await eventually('some settlements', () => other.progress.length >= 3 + round)
        await other.kill()
        const unread = await group.read('heir', { limit: 1_000, waitMs: 0 })
        const pending = new Set(idsOf(await group.pending({ limit: 10_000 })))
        const effects = payloadsOf(await readAll(log)).filter((payload) => payload?.startsWith('effect of '))
        for (const id of ids) {
          const made = effects.filter((payload) => payload === `effect of ${id}`).length
          assert.equal(made, pending.has(id) ? 0 : 1, `the entry ${id} has ${made} effects`)
        }
        await group.acknowledge('heir', unread)
        await group.acknowledge('heir', await group.claim('heir', { minIdleMs: 0, limit: 10_000 }))
      }
    }
  }
]

function holdOf(delivery: Delivery | undefined) {
  assert.ok(delivery)
  return { messageId: delivery.messageId, attempt: delivery.attempt }
}

/** Done, with one effect. */
function withEffects(delivery: Delivery | undefined, payload: string, eventId = newEventId()): Settlement {
  const append = [{ eventId: newEventId(), eventType: 'order_executed', payload }]
  return { ...holdOf(delivery), outcome: { kind: 'done' }, effects: [{ eventId, step: 'effects', append }] }
}
