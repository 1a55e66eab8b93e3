import assert from 'node:assert/strict'
import type { ConsumerGroup, DeadLetter, DeadLetterFilter, Delivery, EventLog, NewDeadLetter } from '../port.ts'
import { appendSome, idsOf, payloadsOf } from './entries.ts'
import { eventually, pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000
const NOW = { limit: 100, waitMs: 0 }
const OPERATOR = { by: 'an operator' }

export const deadLetterCases: readonly ConformanceCase[] = [
  {
    title: 'dead: acknowledges the entry and puts it into the dead letters; resolves to the letter',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 3)
      const before = Date.now()
      const first = letterOf(deliveries[0], { attempts: 5 })
      const second = letterOf(deliveries[1], {
        kind: 'rejected',
        handler: null,
        lastError: { message: 'größer', at: 2 }
      })
      const written = [
        ...(await bury(group, deliveries.slice(0, 1), first)),
        ...(await bury(group, deliveries.slice(1, 2), second))
      ]
      assert.deepEqual(
        written.map(({ id: _, deadAt: __, ...rest }) => rest),
        [
          { ...first, messageId: deliveries[0]?.messageId, group: 'group' },
          { ...second, messageId: deliveries[1]?.messageId, group: 'group' }
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
    title: 'dead: of two that race, one writes the letter, and the other has lost its hold',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 40)
      await group.acknowledge('consumer', deliveries.slice(0, 10))
      const other = (await harness.open()).group('group')
      const [left, right] = await Promise.all([bury(group, deliveries), bury(other, deliveries)])
      assert.equal(left.length + right.length, 30)
      assert.deepEqual(await bury(group, deliveries), [])
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
      await bury(group, deliveries.slice(0, 3))
      await bury(second.group, second.deliveries.slice(0, 2))
      await bury(group, deliveries.slice(3))
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
    title: 'deadLetters.list and count: every condition that is given must hold',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 4)
      const kinds: readonly Partial<NewDeadLetter>[] = [
        { kind: 'poison', handler: null, eventType: null },
        { kind: 'rejected', handler: 'risk', eventType: 'order_executed' },
        { kind: 'exhausted', handler: 'risk', eventType: 'trading_signal' },
        { kind: 'exhausted', handler: 'broker', eventType: 'order_executed' }
      ]
      const letters: DeadLetter[] = []
      for (const [i, delivery] of deliveries.entries()) {
        letters.push(...(await bury(group, [delivery], letterOf(delivery, kinds[i]))))
        await pause(3)
      }
      const filters: readonly [DeadLetterFilter, number[]][] = [
        [{}, [0, 1, 2, 3]],
        [{ kind: 'exhausted' }, [2, 3]],
        [{ handler: 'risk' }, [1, 2]],
        [{ eventType: 'order_executed' }, [1, 3]],
        [{ eventType: 'order_executed', handler: 'risk', group: 'group' }, [1]],
        [{ since: letters[2]?.deadAt ?? 0 }, [2, 3]],
        [{ until: letters[1]?.deadAt ?? 0 }, [0, 1]],
        [{ since: letters[1]?.deadAt ?? 0, until: letters[2]?.deadAt ?? 0 }, [1, 2]],
        [{ group: 'another' }, []]
      ]
      for (const [filter, expected] of filters) {
        const found = await log.deadLetters.list({ ...filter, limit: 10 })
        assert.deepEqual(
          found,
          expected.map((i) => letters[i]),
          JSON.stringify(filter)
        )
        assert.equal(await log.deadLetters.count(filter), expected.length)
      }
      const page = await log.deadLetters.list({ handler: 'risk', limit: 1, after: letters[1]?.id ?? '' })
      assert.deepEqual(page, letters.slice(2, 3))
    }
  },
  {
    title: 'deadLetters.get: is the letter, or nothing',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 1)
      const [letter] = await bury(group, deliveries)
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
      const parts = { raw: poison.raw, kind: 'poison', eventType: null, handler: null } as const
      const [letter] = await bury(group, deliveries.slice(1, 2), letterOf(deliveries[1], parts))
      assert.ok(letter)
      assert.equal(letter.payload, null)
      assert.deepEqual(letter.raw, poison.raw)
      assert.deepEqual(await log.deadLetters.get(letter.id), letter)
      await log.deadLetters.requeue(letter.id, OPERATOR)
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

function letterOf(delivery: Delivery | undefined, parts: Partial<NewDeadLetter> = {}): NewDeadLetter {
  assert.ok(delivery)
  const lastError = { message: 'Every attempt failed.', stack: 'Error: at line 1\n  at line 2', at: 2_000 }
  return {
    consumer: 'consumer',
    handler: 'handler',
    eventType: 'order_executed',
    payload: delivery.payload,
    kind: 'exhausted',
    attempts: 1,
    firstError: { message: 'The first failed.', at: 1_000 },
    lastError,
    ...parts
  }
}

/** Gives deliveries up. Resolves to the letters of those that were held. */
async function bury(
  group: ConsumerGroup,
  deliveries: readonly Delivery[],
  letter?: NewDeadLetter
): Promise<DeadLetter[]> {
  const results = await group.settle(
    'consumer',
    deliveries.map(({ messageId, attempt, ...rest }) => ({
      messageId,
      attempt,
      outcome: { kind: 'dead', letter: letter ?? letterOf({ messageId, attempt, ...rest }) }
    }))
  )
  return results.flatMap((result) => (result.kind === 'settled' && result.letter !== undefined ? [result.letter] : []))
}
