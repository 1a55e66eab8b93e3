import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EventLog } from '../../src/log/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'

/** An event id of one of several shapes, by number. */
interface Id {
  readonly shape: (typeof SHAPES)[number]
  readonly number: number
}

/** UUIDs that are alike but for how they end, those of another run, those that say when they were made, and what is nearly one or something else. */
const SHAPES = [
  'alike',
  'alike',
  'alike',
  'other run',
  'of now',
  'of now',
  'of now',
  'capitals',
  'short',
  'field'
] as const
/** By how much the clock is off by which an id was made, in ms. */
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
        const [first] = handles as [EventLog]
        const { length, deduplicationEntries } = await first.info()
        const places = new Map<string, string>()
        for (const { handle, ids } of appends) {
          const eventIds = ids.map((id) => eventIdOf(run, startedAt, id))
          const log = handles[handle] as EventLog
          const entries = eventIds.map((eventId) => ({ eventId, eventType: 'risk_alert', payload: eventId }))
          for (const [i, { messageId, duplicate }] of (await log.append(entries)).entries()) {
            const eventId = eventIds[i] as string
            expect({ eventId, duplicate }).toEqual({ eventId, duplicate: places.has(eventId) })
            if (duplicate) expect({ eventId, messageId }).toEqual({ eventId, messageId: places.get(eventId) })
            places.set(eventId, messageId)
          }
        }
        const stored = (await first.read({ limit: 100_000 })).slice(length)
        expect(stored.map(({ payload, messageId }) => [payload, messageId])).toEqual([...places])
        expect((await first.info()).deduplicationEntries).toBe(deduplicationEntries + places.size)
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
    case 'other run':
      return `f${group.slice(1)}${ending}`
    case 'of now': {
      const time = (startedAt + (OFF[number % OFF.length] as number)).toString(16).padStart(12, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7${ending.slice(-3)}-8${run.toString(16).padStart(3, '0')}-${ending.slice(-4)}${ending.slice(-8)}`
    }
    case 'capitals':
      return `${group}ABCDEF${ending.slice(6)}`
    case 'short':
      return `${run} ${number}`
    case 'field':
      return number % 2 === 0 ? `${group}${run}` : group
  }
}
