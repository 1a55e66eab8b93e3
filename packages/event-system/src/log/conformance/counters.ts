import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Counters, Storage } from '../port.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const counterCases: readonly ConformanceCase[] = [
  {
    title: 'counters.add: each count its own, shared by all that open the log, in the order of the additions',
    async run(harness) {
      const [ours, theirs] = [countersOf(await harness.open()), countersOf(await harness.open())]
      const first = await ours.add([addition('größe', 3), addition('b', 1)])
      assert.deepEqual(valuesOf(first), [3, 1])
      assert.deepEqual(
        valuesOf(await theirs.add([addition('b', 5), addition('größe', 0), addition('b', 2)])),
        [6, 3, 8]
      )
      for (const { resetsInMs } of first) assert.ok(resetsInMs > 0 && resetsInMs <= 60_000, `${resetsInMs}`)
      assert.deepEqual(await ours.add([]), [])
    }
  },
  {
    title: 'counters.add: of what many add at once, nothing is missing',
    async run(harness) {
      const handles = [countersOf(await harness.open()), countersOf(await harness.open())] as const
      const add = (i: number) => (handles[i % 2] as Counters).add([addition('a', 1)])
      const counts = await Promise.all(Array.from({ length: 50 }, (_, i) => add(i)))
      const values = counts.map(([count]) => count?.value ?? 0).sort((a, b) => a - b)
      assert.deepEqual(
        values,
        Array.from({ length: 50 }, (_, i) => i + 1)
      )
    }
  },
  {
    title:
      'counters.add: a count ends its window after its first addition, whatever is added meanwhile, and begins anew',
    async run(harness) {
      const counters = countersOf(await harness.open())
      const [begun] = await counters.add([addition('a', 1, 300)])
      assert.ok((begun?.resetsInMs ?? 0) <= 300)
      const endsBy = performance.now() + 5_000
      let count = begun
      let before = 0
      while (count !== undefined && count.value > before) {
        assert.ok(performance.now() < endsBy, 'the count never ended')
        assert.ok(count.resetsInMs <= 300, 'a later addition lengthened it')
        before = count.value
        await sleep(20)
        count = (await counters.add([addition('a', 1, 60_000)]))[0]
      }
      assert.equal(count?.value, 1)
    }
  },
  {
    title: 'counters.add: an amount, a window or a key that is none is refused, and nothing of the call is counted',
    async run(harness) {
      const counters = countersOf(await harness.open())
      const wrong = [
        addition('a', -1),
        addition('a', 0.5),
        addition('a', 1, 0),
        addition('', 1),
        addition('k'.repeat(301), 1)
      ]
      for (const one of wrong) await rejectsWith(() => counters.add([addition('a', 1), one]), 'invalid_argument')
      assert.deepEqual(valuesOf(await counters.add([addition('a', 1)])), [1])
    }
  }
]

function addition(key: string, amount: number, windowMs = 60_000) {
  return { key, amount, windowMs }
}

function countersOf({ counters }: Storage): Counters {
  assert.ok(counters !== undefined, 'the log declares counters and has none')
  return counters
}

function valuesOf(counts: readonly { readonly value: number }[]): number[] {
  return counts.map(({ value }) => value)
}
