import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueQueue } from './due-queue.ts'

test('each item is taken once, when it is due and not before, the earliest first', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), inMs: fc.nat(50) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(30) })
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new DueQueue<number>()
      const due = new Map<number, number>()
      let now = 0
      for (const [item, step] of steps.entries()) {
        if (step.kind === 'add') {
          due.set(item, now + step.inMs)
          queue.add(item, now + step.inMs)
          continue
        }
        now += step.ms
        const taken = queue.take(now)
        expect(new Set(taken)).toEqual(new Set([...due].filter(([, at]) => at <= now).map(([item]) => item)))
        const times = taken.map((item) => due.get(item) as number)
        expect(times).toEqual([...times].sort((a, b) => a - b))
        for (const item of taken) due.delete(item)
        expect(queue.nextAt).toBe(Math.min(Number.POSITIVE_INFINITY, ...due.values()))
      }
    })
  )
})
