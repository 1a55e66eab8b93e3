import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PlanOptions, planOf } from './plan.ts'

const options = fc.record<PlanOptions>({
  seed: fc.nat(),
  durationMs: fc.integer({ min: 6_000, max: 60_000 }),
  leaseMs: fc.constant(1_000),
  log: fc.constantFrom('redis', 'sqlite')
})

test('a plan is what its options say, and another with another seed', () => {
  fc.assert(
    fc.property(options, (given) => {
      expect(planOf(given)).toEqual(planOf({ ...given }))
    })
  )
  const plan = { durationMs: 10_000, leaseMs: 1_000, log: 'redis' } as const
  expect(planOf({ ...plan, seed: 1 })).not.toEqual(planOf({ ...plan, seed: 2 }))
})

test('a plan has every kind of fault that its log can have, in order, and a quiet last second', () => {
  const ofRedis = ['cut off', 'delete the group', 'freeze', 'kill', 'restart Redis']
  const ofSqlite = ['delete the group', 'freeze', 'kill']
  fc.assert(
    fc.property(options, (given) => {
      const plan = planOf(given)
      const kinds = [...new Set(plan.map(({ kind }) => kind))].toSorted()
      expect(kinds).toEqual(given.log === 'redis' ? ofRedis : ofSqlite)
      const times = plan.map(({ atMs }) => atMs)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(times.at(-1)).toBeLessThan(given.durationMs - 1_000)
    })
  )
})
