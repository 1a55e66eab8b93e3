import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakeClock } from '../testing/index.ts'
import { Held } from './held.ts'
import { Retries } from './retries.ts'

function heldOf(number: number): Held {
  const content = { event: undefined, key: undefined, error: undefined }
  return new Held({ messageId: `${number}-0`, appendedAt: number, payload: '', attempt: 1 }, content)
}

test('each comes once, when it is due and not before, whatever comes between', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), inMs: fc.nat(50) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(30) })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new FakeClock(0)
      const due = new Map<Held, number>()
      const came: Held[] = []
      const onDue = (held: Held) => {
        came.push(held)
        expect(due.get(held)).toBe(clock.now())
      }
      const retries = new Retries({ clock, stop: new AbortController().signal, onDue })
      for (const [i, step] of steps.entries()) {
        if (step.kind === 'pass') await clock.advance(step.ms)
        else {
          const held = heldOf(i)
          due.set(held, clock.now() + step.inMs)
          retries.add(held, clock.now() + step.inMs)
          await clock.advance(0)
        }
        const expected = [...due].filter(([, at]) => at <= clock.now())
        expect(came.length).toBe(expected.length)
      }
      await clock.advance(50)
      expect(new Set(came)).toEqual(new Set(due.keys()))
      expect(came.length).toBe(due.size)
      expect(clock.sleeping).toBe(0)
    })
  )
})

test('after the stop nothing is due', async () => {
  const clock = new FakeClock(0)
  const stop = new AbortController()
  const came: Held[] = []
  const retries = new Retries({ clock, stop: stop.signal, onDue: (held) => came.push(held) })
  retries.add(heldOf(1), 10)
  stop.abort()
  retries.add(heldOf(2), 5)
  await clock.advance(100)
  expect(came).toEqual([])
})
