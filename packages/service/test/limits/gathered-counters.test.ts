import type { Addition, Count, Counters } from '@tradpal/event-system'
import { FakeClock } from '@tradpal/event-system/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GatheredCounters } from '../../src/limits/gathered-counters.ts'

/** Counts in memory, in windows that never end. */
class PlainCounters implements Counters {
  isAway = false
  readonly asked: (readonly Addition[])[] = []
  readonly #values = new Map<string, number>()

  async add(additions: readonly Addition[]): Promise<Count[]> {
    this.asked.push(additions)
    if (this.isAway) throw new Error('away')
    return additions.map(({ key, amount, windowMs }) => {
      const value = (this.#values.get(key) ?? 0) + amount
      this.#values.set(key, value)
      return { value, resetsInMs: windowMs }
    })
  }
}

const additions = fc.array(
  fc.record({ key: fc.constantFrom('a', 'b', 'c'), amount: fc.nat(10_000), windowMs: fc.constant(2_000) }),
  { minLength: 1, maxLength: 30 }
)

test('whoever adds together with others is told what they would be had all added one after the other, and the log is asked once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(additions, { maxLength: 5 }), async (turns) => {
      const [plain, asked] = [new PlainCounters(), new PlainCounters()]
      const gathered = new GatheredCounters(asked, new FakeClock())
      for (const turn of turns) {
        const counts = await Promise.all(turn.map((addition) => gathered.add(addition)))
        expect(counts).toEqual(await plain.add(turn))
      }
      expect(asked.asked.map((each) => each.length)).toEqual(
        turns.map((turn) => new Set(turn.map(({ key }) => key)).size)
      )
    })
  )
})

test('all of them are told when the log does not count, and for a second it is not asked again', async () => {
  const counters = new PlainCounters()
  const clock = new FakeClock()
  const gathered = new GatheredCounters(counters, clock)
  const addition = { key: 'a', amount: 1, windowMs: 2_000 }
  counters.isAway = true
  const refused = { status: 'rejected', reason: new Error('away') }
  const asked = [gathered.add(addition), gathered.add({ ...addition, key: 'b' }), gathered.add(addition)]
  expect(await Promise.allSettled(asked)).toEqual([refused, refused, refused])

  counters.isAway = false
  await clock.advance(999)
  await expect(gathered.add(addition)).rejects.toMatchObject({ code: 'log_unavailable' })
  await clock.advance(1)
  expect(await gathered.add(addition)).toEqual({ value: 1, resetsInMs: 2_000 })
  expect(counters.asked).toHaveLength(2)
})
