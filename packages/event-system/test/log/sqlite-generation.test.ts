import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Generation } from '../../src/log/sqlite/generation.ts'
import { idHashesOf } from '../../src/log/sqlite/id-hashes.ts'

const FIRST = 1_000

/** Ids of a few groups, or of none, with or without a gap before each. */
const added = fc.array(fc.record({ kind: fc.nat(3), number: fc.nat(5_000), gap: fc.integer({ min: 1, max: 2 }) }), {
  minLength: 1,
  maxLength: 3_000,
  size: 'max'
})

function eventIdOf(kind: number, number: number): string {
  return kind === 0 ? `own-${number}` : `0000000${kind}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
}

test('every id that was added is found where it stands, and no other, however many are alike', () => {
  let mostOfGroup = 0
  fc.assert(
    fc.property(added, (steps) => {
      const generation = new Generation(FIRST)
      const places = new Map<string, number>()
      let last = FIRST - 1
      for (const { kind, number, gap } of steps) {
        const eventId = eventIdOf(kind, number)
        if (places.has(eventId)) continue
        last += gap
        const [hashes] = idHashesOf([eventId])
        generation.add(hashes as NonNullable<typeof hashes>, last)
        places.set(eventId, last)
      }
      const idAt = new Map([...places].map(([eventId, id]) => [id, eventId]))
      const asked = [...places.keys(), ...[0, 1, 2, 3].map((kind) => eventIdOf(kind, 5_001))]
      const hashes = idHashesOf(asked)
      const found = asked.map((eventId, i) =>
        generation.find(hashes[i] as NonNullable<(typeof hashes)[number]>, (id) => idAt.get(id) === eventId)
      )
      expect(found).toEqual(asked.map((eventId) => places.get(eventId)))
      expect(asked.every((_, i) => generation.has(hashes[i]?.group ?? 0) || found[i] === undefined)).toBe(true)
      mostOfGroup = Math.max(mostOfGroup, [...places.keys()].filter((id) => id.startsWith('00000001')).length)
    }),
    { numRuns: 30 }
  )
  expect(mostOfGroup).toBeGreaterThan(100)
})
