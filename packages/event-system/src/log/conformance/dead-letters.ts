import assert from 'node:assert/strict'
import type { Delivery, EventLog, NewDeadLetter } from '../port.ts'
import { appendSome, idsOf } from './entries.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000
const NOW = { limit: 100, waitMs: 0 }

export const deadLetterCases: readonly ConformanceCase[] = [
  {
    title: 'deadLetter: puts pending entries into the dead letters and acknowledges them; resolves to the letters',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 3)
      const before = Date.now()
      const written = await group.deadLetter([
        { ...letterOf(deliveries[0]), stack: 'Error: at line 1\n  at line 2', attempts: 5 },
        { ...letterOf(deliveries[1]), kind: 'rejected', reason: 'größer als erlaubt' }
      ])
      assert.deepEqual(
        written.map(({ id: _, deadAt: __, ...rest }) => rest),
        [
          { ...letterOf(deliveries[0]), group: 'group', stack: 'Error: at line 1\n  at line 2', attempts: 5 },
          { ...letterOf(deliveries[1]), group: 'group', kind: 'rejected', reason: 'größer als erlaubt' }
        ]
      )
      assert.ok(written.every(({ deadAt }) => Math.abs(deadAt - before) < 10_000))
      assert.equal(new Set(written.map(({ id }) => id)).size, 2)
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), [deliveries[2]?.messageId])
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), written)
      assert.equal((await log.info()).deadLetters, 2)
    }
  },
  {
    title: 'deadLetter: those that are not pending are left out, also when two race',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 40)
      await group.acknowledge(idsOf(deliveries.slice(0, 10)))
      const other = (await harness.open()).group('group')
      const letters = deliveries.map(letterOf)
      const [left, right] = await Promise.all([group.deadLetter(letters), other.deadLetter(letters)])
      assert.equal(left.length + right.length, 30)
      assert.deepEqual(await group.deadLetter([...letters, ...letters]), [])
      const stored = await log.deadLetters.list({ limit: 100 })
      assert.deepEqual(new Set(idsOf(stored)), new Set(idsOf(deliveries.slice(10))))
      assert.equal(stored.length, 30)
      assert.deepEqual(await group.pending({ limit: 10 }), [])
    }
  },
  {
    title: 'deadLetters.list: oldest first, page behind page, of one group or all',
    async run(harness) {
      const log = await harness.open()
      const { group, deliveries } = await handedOut(log, 6)
      const second = await handedOutOf(log, 'second')
      await group.deadLetter(deliveries.slice(0, 3).map(letterOf))
      await second.group.deadLetter(second.deliveries.slice(0, 2).map(letterOf))
      await group.deadLetter(deliveries.slice(3).map(letterOf))
      const all = await log.deadLetters.list({ limit: 100 })
      assert.deepEqual(
        all.map(({ group: name }) => name),
        ['group', 'group', 'group', 'second', 'second', 'group', 'group', 'group']
      )
      assert.deepEqual(await log.deadLetters.list({ limit: 3 }), all.slice(0, 3))
      assert.deepEqual(await log.deadLetters.list({ limit: 3, after: all[2]?.id ?? '' }), all.slice(3, 6))
      const ofGroup = all.filter(({ group: name }) => name === 'group')
      assert.deepEqual(await log.deadLetters.list({ group: 'group', limit: 100 }), ofGroup)
      const page = await log.deadLetters.list({ group: 'group', limit: 2, after: ofGroup[1]?.id ?? '' })
      assert.deepEqual(page, ofGroup.slice(2, 4))
      assert.deepEqual(await log.deadLetters.list({ group: 'nobody', limit: 100 }), [])
    }
  },
  {
    title: 'deadLetters.get: is the letter, or nothing',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const [letter] = await group.deadLetter(deliveries.map(letterOf))
      assert.deepEqual(await log.deadLetters.get(letter?.id ?? ''), letter)
      assert.equal(await log.deadLetters.get('1234567-0'), undefined)
      assert.equal(await log.deadLetters.get('nonsense'), undefined)
    }
  },
  {
    title:
      'requeue: puts the entry back to the group that failed, to nobody else, as if never handed out, and removes the letter',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const second = await handedOutOf(log, 'second')
      await second.group.acknowledge(idsOf(second.deliveries))
      await group.redeliver('consumer', idsOf(deliveries))
      const [letter] = await group.deadLetter(deliveries.slice(0, 1).map(letterOf))
      await group.acknowledge(idsOf(deliveries))
      await log.deadLetters.requeue(letter?.id ?? '')
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [])
      assert.deepEqual(await second.group.pending({ limit: 10 }), [])
      const claimed = await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 })
      assert.deepEqual(claimed, [{ ...deliveries[0], attempt: 1 }])
      assert.equal((await log.info()).length, 2, 'nothing was appended')
      assert.deepEqual(await second.group.read('consumer', NOW), [])
    }
  },
  {
    title: 'requeue: rejects with not_found when there is no such letter',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      await rejectsWith(() => log.deadLetters.requeue('1234567-0'), 'not_found')
      const [letter] = await group.deadLetter(deliveries.map(letterOf))
      await log.deadLetters.requeue(letter?.id ?? '')
      await rejectsWith(() => log.deadLetters.requeue(letter?.id ?? ''), 'not_found')
    }
  },
  {
    title: 'requeue: rejects with entry_trimmed, keeping the letter, when the entry has left the log',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const [letter] = await group.deadLetter(deliveries.map(letterOf))
      await log.trim({ maxLength: 0 })
      await rejectsWith(() => log.deadLetters.requeue(letter?.id ?? ''), 'entry_trimmed')
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [letter])
      assert.deepEqual(await group.pending({ limit: 10 }), [])
    }
  },
  {
    title: 'requeue: of two that race, one puts it back and the other rejects with not_found',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const other = await harness.open()
      const [letter] = await group.deadLetter(deliveries.map(letterOf))
      const id = letter?.id ?? ''
      const outcomes = await Promise.allSettled([log.deadLetters.requeue(id), other.deadLetters.requeue(id)])
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
      assert.equal(failures.length, 1)
      await rejectsWith(() => Promise.reject(failures[0]), 'not_found')
      assert.equal((await group.claim('heir', { minIdleMs: 0, limit: 10 })).length, 1)
    }
  },
  {
    title: 'discard: removes the letter for good; resolves to whether there was one',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const [first, second] = await group.deadLetter(deliveries.map(letterOf))
      assert.equal(await log.deadLetters.discard(first?.id ?? ''), true)
      assert.equal(await log.deadLetters.discard(first?.id ?? ''), false)
      assert.equal(await log.deadLetters.discard('nonsense'), false)
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [second])
      assert.equal((await log.info()).deadLetters, 1)
    }
  },
  {
    title:
      'poison: an entry that somebody else wrote is handed out with payload null and what it holds, and can be a dead letter',
    needs: ({ foreignWriters }) => foreignWriters,
    async run(harness) {
      const log = await harness.open()
      assert.ok(harness.writeForeign, 'a log that declares foreign writers has a harness that writes as one')
      const group = log.group('group')
      await group.create('start')
      await appendSome(log, 1)
      const messageId = await harness.writeForeign({ price: '1', note: 'größe' })
      await appendSome(log, 1, 1)
      const poison = { messageId, payload: null, raw: { price: '1', note: 'größe' } }
      assert.deepEqual(await log.get(messageId), poison)
      assert.deepEqual((await log.read({ limit: 10 }))[1], poison)
      const deliveries = await eventually('all three', async () => {
        const read = await group.read('consumer', NOW)
        return read.length === 3 && read
      })
      assert.deepEqual(deliveries[1], { ...poison, attempt: 1 })
      const [letter] = await group.deadLetter([
        { ...poison, consumer: 'consumer', kind: 'poison', reason: 'It has no event.', attempts: 1 }
      ])
      assert.ok(letter)
      assert.equal(letter.payload, null)
      assert.deepEqual(letter.raw, poison.raw)
      assert.deepEqual(await log.deadLetters.get(letter.id), letter)
      await log.deadLetters.requeue(letter.id)
      assert.deepEqual(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 1 }), [{ ...poison, attempt: 1 }])
    }
  },
  {
    title: 'poison: where nobody writes past the adapter, the harness has no way to, and every entry has a payload',
    needs: ({ foreignWriters }) => !foreignWriters,
    async run(harness) {
      const log = await harness.open()
      assert.equal(harness.writeForeign, undefined)
      await appendSome(log, 3)
      assert.ok((await log.read({ limit: 10 })).every(({ payload, raw }) => payload !== null && raw === undefined))
    }
  }
]

/** So many new entries that the consumer `consumer` of the group `group` holds. */
async function handedOut(log: EventLog, count: number) {
  await appendSome(log, count)
  return handedOutOf(log, 'group')
}

async function handedOutOf(log: EventLog, name: string) {
  const group = log.group(name)
  await group.create('start')
  return { log, group, deliveries: await group.read('consumer', NOW) }
}

function letterOf(delivery: Delivery | undefined): NewDeadLetter {
  assert.ok(delivery)
  const { messageId, payload } = delivery
  return { messageId, payload, consumer: 'consumer', kind: 'exhausted', reason: 'Every attempt failed.', attempts: 1 }
}
