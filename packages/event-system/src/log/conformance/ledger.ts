import assert from 'node:assert/strict'
import { eventually, pause } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const ledgerCases: readonly ConformanceCase[] = [
  {
    title: 'ledger.begin: writes that a step begins, unless the ledger has it; resolves to what it had',
    async run(harness) {
      const { ledger } = (await harness.open()).group('group')
      assert.equal(await ledger.begin('event', 'step'), undefined)
      assert.deepEqual(await ledger.begin('event', 'step'), { eventId: 'event', step: 'step', value: null })
      assert.equal(await ledger.begin('event', 'another step'), undefined)
      assert.equal(await ledger.begin('another event', 'step'), undefined)
    }
  },
  {
    title: 'ledger.begin: of many that begin the same step, one gets undefined',
    async run(harness) {
      const logs = await Promise.all([harness.open(), harness.open()])
      const begun = await Promise.all(
        Array.from({ length: 20 }, (_, i) => logs[i % 2]?.group('group').ledger.begin('event', 'step'))
      )
      assert.equal(begun.filter((entry) => entry === undefined).length, 1)
    }
  },
  {
    title: 'ledger.write and read: all that is remembered of events, over what was there, each group its own',
    async run(harness) {
      const log = await harness.open()
      const { ledger } = log.group('group')
      await ledger.begin('one', 'a')
      const entries = [
        { eventId: 'one', step: 'a', value: 'done' },
        { eventId: 'one', step: 'größe', value: '{"x":"ß"}' },
        { eventId: 'two', step: 'a', value: '' }
      ]
      await ledger.write(entries)
      await ledger.write([])
      const sorted = (list: readonly { eventId: string; step: string }[]) =>
        list.toSorted((a, b) => (`${a.eventId} ${a.step}` < `${b.eventId} ${b.step}` ? -1 : 1))
      assert.deepEqual(sorted(await ledger.read(['one', 'two', 'three'])), sorted(entries))
      assert.deepEqual(await ledger.read(['two']), entries.slice(2))
      assert.deepEqual(await ledger.read([]), [])
      assert.deepEqual(await ledger.read(['on', 'one a']), [])
      assert.deepEqual(await log.group('another').ledger.read(['one']), [])
    }
  },
  {
    title: 'ledger.forget: forgets a step; resolves to whether there was one',
    async run(harness) {
      const { ledger } = (await harness.open()).group('group')
      await ledger.begin('event', 'step')
      assert.equal(await ledger.forget('event', 'step'), true)
      assert.equal(await ledger.forget('event', 'step'), false)
      assert.deepEqual(await ledger.read(['event']), [])
      assert.equal(await ledger.begin('event', 'step'), undefined)
    }
  },
  {
    title: 'ledger: outlives the group',
    async run(harness) {
      const log = await harness.open()
      await log.group('group').create('start')
      await log.group('group').ledger.write([{ eventId: 'event', step: 'step', value: 'done' }])
      await log.group('group').destroy()
      await log.group('group').create('start')
      assert.equal((await log.group('group').ledger.read(['event'])).length, 1)
    }
  },
  {
    title: 'ledger: keeps an entry for at least ledgerRetentionMs, and not for ever',
    async run(harness) {
      const log = await harness.open({ ledgerRetentionMs: 400 })
      const { ledger } = log.group('group')
      const written = performance.now()
      await ledger.write([{ eventId: 'event', step: 'step', value: 'done' }])
      const kept = await ledger.read(['event'])
      if (performance.now() - written < 400) assert.equal(kept.length, 1)
      await eventually('the ledger to forget', async () => {
        await pause(50)
        await ledger.write([{ eventId: 'another', step: 'step', value: 'done' }])
        return (await ledger.read(['event'])).length === 0
      })
      assert.ok(performance.now() - written >= 380)
    }
  }
]
