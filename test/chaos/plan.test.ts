import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PlanOptions, planOf } from './plan.ts'
import { SUBJECTS } from './subjects.ts'

const options = fc.record<PlanOptions>({
  seed: fc.nat(),
  durationMs: fc.integer({ min: 8_000, max: 60_000 }),
  faults: fc.constantFrom(...Object.values(SUBJECTS).map(({ faults }) => faults)),
  longestMs: fc.integer({ min: 1_000, max: 5_000 })
})

test('a plan is what its options say, in order, with a quiet end', () => {
  fc.assert(
    fc.property(options, (given) => {
      const plan = planOf(given)
      expect(planOf({ ...given })).toEqual(plan)
      const times = plan.map(({ atMs }) => atMs)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(times.at(-1)).toBeLessThan(given.durationMs - 1_000)
    })
  )
})

test('another seed is another plan, and a minute has every kind of fault of its subject', () => {
  for (const { faults } of Object.values(SUBJECTS)) {
    const plan = { durationMs: 60_000, faults, longestMs: 3_000 }
    expect(planOf({ ...plan, seed: 1 })).not.toEqual(planOf({ ...plan, seed: 2 }))
    expect([...new Set(planOf({ ...plan, seed: 3 }).map(({ kind }) => kind))].toSorted()).toEqual(faults.toSorted())
  }
})
