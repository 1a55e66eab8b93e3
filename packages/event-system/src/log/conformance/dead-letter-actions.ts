import assert from 'node:assert/strict'
import { handedOut, payloadsOf } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { AN_HOUR_MS, bury, handedOutOf, letterOf, NOW, OPERATOR } from './letters.ts'

/** What operators do with dead letters: put them back, discard them, and see what was done. */
export const deadLetterActionCases: readonly ConformanceCase[] = [
  {
    title:
      'requeue: puts the entry back to the group that failed, to nobody else, as if never handed out, and removes the letter',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const second = await handedOutOf(log, 'second')
      await second.group.acknowledge('consumer', second.deliveries)
      const again = await group.claim('consumer', { minIdleMs: 0, limit: 10 })
      const [letter] = await bury(group, again.slice(0, 1))
      await group.acknowledge('consumer', again)
      await log.deadLetters.requeue(letter?.id ?? '', OPERATOR)
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
      await rejectsWith(() => log.deadLetters.requeue('1234567-0', OPERATOR), 'not_found')
      const [letter] = await bury(group, deliveries)
      await log.deadLetters.requeue(letter?.id ?? '', OPERATOR)
      await rejectsWith(() => log.deadLetters.requeue(letter?.id ?? '', OPERATOR), 'not_found')
    }
  },
  {
    title: 'requeue: rejects with entry_trimmed, keeping the letter, when the entry has left the log',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const [letter] = await bury(group, deliveries)
      await log.trim({ maxLength: 0 })
      await rejectsWith(() => log.deadLetters.requeue(letter?.id ?? '', OPERATOR), 'entry_trimmed')
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [letter])
      assert.deepEqual(await group.pending({ limit: 10 }), [])
    }
  },
  {
    title: 'requeue: of two that race, one puts it back and the other rejects with not_found',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const other = await harness.open()
      const [letter] = await bury(group, deliveries)
      const id = letter?.id ?? ''
      const outcomes = await Promise.allSettled([
        log.deadLetters.requeue(id, OPERATOR),
        other.deadLetters.requeue(id, OPERATOR)
      ])
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
      assert.equal(failures.length, 1)
      await rejectsWith(() => Promise.reject(failures[0]), 'not_found')
      assert.equal((await group.claim('heir', { minIdleMs: 0, limit: 10 })).length, 1)
    }
  },
  {
    title: 'requeue: with a payload, this group gets that until it has acknowledged it; the log keeps what it has',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const second = await handedOutOf(log, 'second')
      const [letter] = await bury(group, deliveries)
      await log.deadLetters.requeue(letter?.id ?? '', { ...OPERATOR, payload: 'mended' })
      const first = await group.claim('heir', { minIdleMs: 0, limit: 10 })
      assert.deepEqual(payloadsOf(first), ['mended'])
      assert.deepEqual(payloadsOf(await group.claim('heir', { minIdleMs: 0, limit: 10 })), ['mended'])
      assert.deepEqual(payloadsOf(await second.group.claim('heir', { minIdleMs: 0, limit: 10 })), ['entry 0'])
      assert.deepEqual(payloadsOf(await log.read({ limit: 10 })), ['entry 0'])
      await group.acknowledge('heir', await group.claim('heir', { minIdleMs: 0, limit: 10 }))
      await group.seek('start')
      assert.deepEqual(payloadsOf(await group.read('heir', NOW)), ['entry 0'])
    }
  },
  {
    title: "requeue: the letter's note comes with the next delivery",
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const [letter] = await bury(group, deliveries, letterOf(deliveries[0], { note: 'one of two is done' }))
      await log.deadLetters.requeue(letter?.id ?? '', OPERATOR)
      const [claimed] = await group.claim('heir', { minIdleMs: 0, limit: 10 })
      assert.equal(claimed?.note, 'one of two is done')
    }
  },
  {
    title: 'discard: removes the letter for good; rejects with not_found when there is none',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const [first, second] = await bury(group, deliveries)
      const why = { ...OPERATOR, reason: 'a test order' }
      await log.deadLetters.discard(first?.id ?? '', why)
      await rejectsWith(() => log.deadLetters.discard(first?.id ?? '', why), 'not_found')
      await rejectsWith(() => log.deadLetters.discard('nonsense', why), 'not_found')
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [second])
      assert.equal((await log.info()).deadLetters, 1)
    }
  },
  {
    title: 'actions: what operators did, oldest first, page behind page, each with the letter as it was',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 3)
      const letters = await bury(group, deliveries)
      const [one, two, three] = letters.map(({ id }) => id) as [string, string, string]
      const before = Date.now()
      await log.deadLetters.requeue(one, { by: 'ada' })
      await log.deadLetters.requeue(two, { by: 'bob', payload: 'mended' })
      await log.deadLetters.discard(three, { by: 'cy', reason: 'a test order' })
      await rejectsWith(() => log.deadLetters.requeue(one, { by: 'ada' }), 'not_found')
      const actions = await log.deadLetters.actions({ limit: 10 })
      assert.deepEqual(
        actions.map(({ id: _, at: __, ...rest }) => rest),
        [
          { action: 'requeue', by: 'ada', amended: false, letter: letters[0] },
          { action: 'requeue', by: 'bob', amended: true, letter: letters[1] },
          { action: 'discard', by: 'cy', reason: 'a test order', amended: false, letter: letters[2] }
        ]
      )
      assert.ok(actions.every(({ at }) => Math.abs(at - before) < 10_000))
      assert.deepEqual(await log.deadLetters.actions({ limit: 1, after: actions[0]?.id ?? '' }), actions.slice(1, 2))
    }
  }
]
