import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Storage } from '../../src/log/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'

/** An event id of one of several shapes, by number. */
interface Id {
  readonly shape: (typeof SHAPES)[number]
  readonly number: number
}

/** UUIDs that are alike but for their ends, UUIDs of any shape, UUIDs that begin with a time, and other texts. */
const SHAPES = ['alike', 'alike', 'random', 'of now', 'of now', 'capitals', 'short', 'part'] as const
/** How far the clock is off that made the id, in ms. */
const OFF = [0, 0, 0, -10, 5, 15, 60, 95, -1_000, 60_000]

const id = fc.record<Id>({ shape: fc.constantFrom(...SHAPES), number: fc.nat(99) })
const append = fc.record({
  handle: fc.nat(2),
  ids: fc.oneof(fc.tuple(id), fc.array(id, { minLength: 1, maxLength: 60 }))
})

describeOnEachLog('deduplication', (logs) => {
  test('ids of every shape, alone and together, over several handles: each is appended once, and known by its first place', async () => {
    const handles = [await logs.open(), await logs.open(), await logs.open()]
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(append, { minLength: 1, maxLength: 24 }), async (appends) => {
        run += 1
        const startedAt = Date.now()
        const [first] = handles as [Storage]
        const { length, deduplicationEntries } = await first.log.info()
        const places = new Map<string, string>()
        for (const { handle, ids } of appends) {
          const eventIds = ids.map((id) => eventIdOf(run, startedAt, id))
          const storage = handles[handle] as Storage
          const entries = eventIds.map((eventId) => ({ eventId, eventType: 'risk_alert', payload: eventId }))
          for (const [i, { messageId, duplicate }] of (await storage.log.append(entries)).entries()) {
            const eventId = eventIds[i] as string
            expect({ eventId, duplicate }).toEqual({ eventId, duplicate: places.has(eventId) })
            if (duplicate) expect({ eventId, messageId }).toEqual({ eventId, messageId: places.get(eventId) })
            places.set(eventId, messageId)
          }
        }
        const stored = (await first.log.read({ limit: 100_000 })).entries.slice(length)
        expect(stored.map(({ payload, messageId }) => [payload, messageId])).toEqual([...places])
        expect((await first.log.info()).deduplicationEntries).toBe(deduplicationEntries + places.size)
      }),
      { numRuns: 100 }
    )
  })
})

function eventIdOf(run: number, startedAt: number, { shape, number }: Id): string {
  const group = `${run.toString(16).padStart(8, '0')}-0000-4000-8000-`
  const ending = ((number * 7_919) % 100_000).toString(16).padStart(12, '0')
  switch (shape) {
    case 'alike':
      return group + ending
    case 'random': {
      const digits = createHash('sha256').update(`${run} ${number}`).digest('hex')
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${digits.slice(18, 30)}`
    }
    case 'of now': {
      const time = (startedAt + (OFF[number % OFF.length] as number)).toString(16).padStart(12, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7${ending.slice(-3)}-8${run.toString(16).padStart(3, '0')}-${ending.slice(-4)}${ending.slice(-8)}`
    }
    case 'capitals':
      return `${group}ABCDEF${ending.slice(6)}`
    case 'short':
      return `${run} ${number}`
    case 'part':
      return number % 2 === 0 ? `${group}${run}` : group
  }
}
