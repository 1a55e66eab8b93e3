import assert from 'node:assert/strict'
import type { DeadLetter, DeadLetterFilter, NewDeadLetter } from '../port.ts'
import { appendSome, handedOut, idsOf } from './entries.ts'
import { eventually, pause } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { AN_HOUR_MS, bury, handedOutOf, letterOf, NOW, OPERATOR } from './letters.ts'

/** How entries become dead letters, and how those are found. */
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
      'poison: an entry that somebody else wrote is handed out with payload null and what it holds, and can be a dead letter',
    needs: ({ foreignWriters }) => foreignWriters,
    async run(harness) {
      const log = await harness.open()
      assert.ok(harness.writeForeign, 'a log that declares foreign writers has a harness that writes as one')
      const group = log.group('group')
      await group.create('start')
      const ids = await appendSome(log, 1)
      const messageId = await harness.writeForeign({ price: '1', note: 'größe' })
      await appendSome(log, 1, 1)
      const [{ appendedAt } = { appendedAt: 0 }] = await log.read({ from: { after: ids[0] ?? '' }, limit: 1 })
      const poison = { messageId, appendedAt, payload: null, raw: { price: '1', note: 'größe' } }
      assert.deepEqual(await log.get([messageId]), [poison])
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
