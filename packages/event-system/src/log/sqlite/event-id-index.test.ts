import { randomUUID } from 'node:crypto'
import { newEventId } from '@tradpal/events'
import { expect, test } from 'vitest'
import { EventIdIndex } from './event-id-index.ts'

test('every event id that was added is found at its id, and no other, until its stretch of the log is forgotten', () => {
  const index = new EventIdIndex()
  const made = [randomUUID, newEventId, () => `own-${places.size}`]
  const places = new Map<string, number>()
  const eventIds: string[] = ['']
  for (let id = 1; id <= 200_000; id++) {
    const eventId = (made[id % made.length] as () => string)()
    places.set(eventId, id)
    eventIds.push(eventId)
    index.add(eventId, id)
  }
  const at = (eventId: string) => index.find(eventId, (id) => eventIds[id] === eventId)
  for (const [eventId, id] of places)
    if (at(eventId) !== id) expect({ eventId, at: at(eventId) }).toEqual({ eventId, at: id })
  for (let i = 0; i < 10_000; i++) expect(at(randomUUID())).toBeUndefined()
  index.forget(150_000)
  const found = [...places].filter(([eventId]) => at(eventId) !== undefined).map(([, id]) => id)
  expect(found.length).toBeLessThan(120_000)
  expect(found.slice(-50_001)[0]).toBe(150_000)
})

test('two event ids whose hashes are the same are told apart', () => {
  const index = new EventIdIndex()
  const eventIds = ['a', 'a', 'a']
  for (const [i, eventId] of eventIds.entries()) index.add(eventId, i + 1)
  for (const id of [1, 2, 3]) expect(index.find('a', (one) => one === id)).toBe(id)
  expect(index.find('a', () => false)).toBeUndefined()
})
