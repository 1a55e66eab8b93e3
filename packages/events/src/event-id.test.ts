import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { newEventId } from './event-id.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ids = (count: number) => Array.from({ length: count }, newEventId)

describe('newEventId', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is a UUID of version 7, and never the same', () => {
    const many = ids(100_000)
    expect(many.filter((id) => !UUID.test(id))).toEqual([])
    expect(new Set(many).size).toBe(many.length)
  })

  test('those of a millisecond are alike in runs of 16, and what each ends with is another', () => {
    vi.setSystemTime(1)
    const runs = Map.groupBy(ids(160), (id) => id.slice(0, 24))
    expect([...runs.values()].map((run) => run.length)).toEqual(Array(10).fill(16))
    const endings = [...runs.values()].flat().map((id) => id.slice(25))
    expect(new Set(endings).size).toBe(endings.length)
  })

  test('those of another millisecond are not alike', () => {
    vi.setSystemTime(1)
    const [before] = ids(1)
    vi.setSystemTime(2)
    const [after] = ids(1)
    expect(after?.slice(0, 24)).not.toBe(before?.slice(0, 24))
  })

  test('begins with the millisecond in which it was made', () => {
    const made = Date.UTC(2026, 10, 24, 9, 30, 0, 123)
    vi.setSystemTime(made)
    const [id = ''] = ids(1)
    expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(made)
  })

  test('those of a process grow', () => {
    const many = [3, 4, 5].flatMap((ms) => {
      vi.setSystemTime(ms)
      return ids(1_000)
    })
    // Of a run the first digit of the ending grows; what follows is random.
    const inOrder = many.map((id) => id.slice(0, 18) + id.slice(24, 25))
    expect(inOrder).toEqual(inOrder.toSorted())
  })
})
