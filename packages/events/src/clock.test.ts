import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

const A_DAY_MS = 86_400_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each([0, 1, 1_500, 2 ** 31 - 1, 2 ** 31, 60 * A_DAY_MS])('a sleep of %d ms takes so long', async (ms) => {
  let awake = false
  void systemClock.sleep(ms).then(() => {
    awake = true
  })
  await vi.advanceTimersByTimeAsync(Math.max(0, ms - 1))
  expect(awake).toBe(ms === 0)
  await vi.advanceTimersByTimeAsync(1)
  expect(awake).toBe(true)
})

test('a sleep ends with the reason of its signal, and leaves no timer behind', async () => {
  const stop = new AbortController()
  const sleeping = systemClock.sleep(60 * A_DAY_MS, stop.signal)
  stop.abort(new Error('enough'))
  await expect(sleeping).rejects.toThrow('enough')
  expect(vi.getTimerCount()).toBe(0)
  await expect(systemClock.sleep(10, stop.signal)).rejects.toThrow('enough')
})
