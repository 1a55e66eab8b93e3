import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../src/testing/index.ts'

describe('a fake clock', () => {
  it('begins where it is told, at the turn of 2026 by default, and stands still', async () => {
    expect(new FakeClock().now()).toBe(Date.parse('2026-01-01T00:00:00Z'))
    const clock = new FakeClock(5)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(clock.now()).toBe(5)
  })

  it('wakes in the order of the times, each at its own, and at the same time in the order of the calls', async () => {
    const clock = new FakeClock(0)
    const woken: string[] = []
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms)
      woken.push(`${name} at ${clock.now()}`)
    }
    const all = Promise.all([sleep('late', 30), sleep('early', 10), sleep('middle', 20), sleep('also early', 10)])
    expect(clock.sleeping).toBe(4)
    await clock.advance(20)
    expect(woken).toEqual(['early at 10', 'also early at 10', 'middle at 20'])
    expect([clock.now(), clock.sleeping]).toEqual([20, 1])
    await clock.advance(100)
    await all
    expect(woken.at(-1)).toBe('late at 30')
    expect(clock.now()).toBe(120)
  })

  it('wakes again who goes back to sleep on the way', async () => {
    const clock = new FakeClock(0)
    const ticks: number[] = []
    const ticking = (async () => {
      while (ticks.length < 3) {
        await clock.sleep(10)
        ticks.push(clock.now())
      }
    })()
    await clock.advance(35)
    await ticking
    expect(ticks).toEqual([10, 20, 30])
  })

  it('wakes who sleeps for no time when it is moved by none', async () => {
    const clock = new FakeClock(0)
    const slept = clock.sleep(0)
    await clock.advance(0)
    await expect(slept).resolves.toBeUndefined()
  })

  it('rejects a sleep with the reason of its signal, and forgets it', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const slept = clock.sleep(10, stop.signal)
    stop.abort(new Error('enough'))
    await expect(slept).rejects.toThrow('enough')
    expect(clock.sleeping).toBe(0)
    await expect(clock.sleep(10, stop.signal)).rejects.toThrow('enough')
    expect(clock.sleeping).toBe(0)
  })

  it('leaves no listener on a signal, woken or aborted', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const sleeps = [1, 2, 3].map((ms) => clock.sleep(ms, stop.signal))
    await clock.advance(2)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1)
    stop.abort()
    await Promise.allSettled(sleeps)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  it('does not go back', async () => {
    await expect(new FakeClock().advance(-1)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(new FakeClock().advance(Number.NaN)).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
