import { expect, test } from 'vitest'
import { checkedEventId } from './envelope.ts'
import { newEventId } from './event-id.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ids = (count: number) => Array.from({ length: count }, newEventId)

test('a new event id is a UUID of version 7, never the same, and one that events take', () => {
  const many = ids(100_000)
  expect(many.filter((id) => !UUID.test(id))).toEqual([])
  expect(new Set(many).size).toBe(many.length)
  for (const id of many.slice(0, 10)) expect(checkedEventId(id)).toBe(id)
})

test('a new event id begins with the millisecond in which it was made', () => {
  const before = Date.now()
  const [id = ''] = ids(1)
  const madeAt = Number.parseInt(id.slice(0, 13).replace('-', ''), 16)
  expect(madeAt).toBeGreaterThanOrEqual(before)
  expect(madeAt).toBeLessThanOrEqual(Date.now())
})

test('the event ids of a process grow', () => {
  const many = ids(100_000)
  expect(many.filter((id, i) => id <= (many[i - 1] ?? ''))).toHaveLength(0)
})

test('two event ids of one moment have 40 and more bits that are not the same: who knows one cannot guess the next', () => {
  const endings = new Set(ids(10_000).map((id) => id.slice(26)))
  expect(endings.size).toBe(10_000)
})
