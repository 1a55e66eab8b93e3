import { EventSystemError } from '@tradpal/events'
import { describe, expect, test } from 'vitest'
import type { AppendEntry, Storage } from '../../src/log/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'

/** A log that answers when it is told to. */
function slowLog() {
  const waiting: (() => void)[] = []
  const appended: string[] = []
  const append = (entries: readonly AppendEntry[]) =>
    new Promise((resolve) => {
      waiting.push(() => {
        appended.push(...entries.map(({ eventId }) => eventId))
        resolve(entries.map(({ eventId }) => ({ messageId: eventId, duplicate: false })))
      })
    })
  const answer = () => {
    for (const one of waiting.splice(0)) one()
  }
  return { storage: { log: { append } } as unknown as Storage, answer, appended }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a publisher that has as much in flight as it may', () => {
  test('lets a publish wait, in order, until there is room, and says how much is in flight', async () => {
    const { storage, answer, appended } = slowLog()
    const publisher = new EventPublisher({ storage, maxInFlight: 2 })
    const events = signals(5)
    const publishing = Promise.all(events.map((event) => publisher.publishEvent(event)))
    await turn()
    expect((await publisher.state()).inFlight.events).toBe(2)
    let isReady = false
    const ready = publisher.ready().then(() => {
      isReady = true
    })
    await waitFor(() => {
      expect(isReady && appended.length < 3).toBe(false)
      answer()
      return appended.length === 5
    })
    await publishing
    await ready
    expect(appended).toEqual(events.map(({ eventId }) => eventId))
    expect((await publisher.state()).inFlight).toEqual({ events: 0, bytes: 0 })
  })

  test('counts bytes too, and takes what is larger than all the room when nothing else is in flight', async () => {
    const { storage, answer, appended } = slowLog()
    const publisher = new EventPublisher({ storage, maxInFlightBytes: 100, whenFull: 'refuse' })
    const first = publisher.publishEvent(signal())
    await expect(publisher.publishEvent(signal())).rejects.toMatchObject({ code: 'publisher_busy', retryable: true })
    await waitFor(() => {
      answer()
      return appended.length === 1
    })
    await first
    const batch = publisher.publishBatch(signals(10))
    await waitFor(() => {
      answer()
      return appended.length === 11
    })
    await batch
  })

  test('refuses with publisher_busy when there is no room within the time of the publish, and nothing is written', async () => {
    const clock = new FakeClock()
    const { storage, answer, appended } = slowLog()
    const publisher = new EventPublisher({ storage, maxInFlight: 1, clock, timeoutMs: 500 })
    const first = publisher.publishEvent(signal())
    const second = publisher.publishEvent(signal())
    second.catch(() => {})
    await turn()
    await clock.advance(500)
    await expect(second).rejects.toMatchObject({ code: 'publisher_busy' })
    await expect(second).rejects.toBeInstanceOf(EventSystemError)
    answer()
    await first
    expect(appended).toHaveLength(1)
    const third = publisher.publishEvent(signal())
    await turn()
    answer()
    await third
  })
})

test.each([
  [{ maxInFlight: 0 }, 'maxInFlight must be a whole number of at least 1, got 0.'],
  [{ maxInFlightBytes: 1.5 }, 'maxInFlightBytes must be a whole number of at least 1, got 1.5.'],
  [{ whenFull: 'drop' }, 'whenFull must be one of wait, refuse, got "drop".'],
  [{ timeoutMs: 0 }, 'timeoutMs must be a number of ms from 1 to 2147483647, got 0.']
])('a publisher with %o is refused in a sentence', (options, message) => {
  const make = () => new EventPublisher({ storage: slowLog().storage, ...(options as object) })
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_options', message }))
})

test.each([
  [{ timeoutMs: -1 }, 'timeoutMs must be a number of ms from 1 to 2147483647, got -1.'],
  [{ timeout: 5 }, 'timeout is no option of publish(); did you mean timeoutMs?'],
  [{ whenFull: 'drop' }, 'whenFull must be one of wait, refuse, got "drop".'],
  [{ spool: 'maybe' }, 'spool must be one of allowed, never, got "maybe".']
])('a publish with %o is refused in a sentence, and nothing is written', async (options, message) => {
  const { storage, answer, appended } = slowLog()
  const publisher = new EventPublisher({ storage })
  await expect(publisher.publish(signal(), options as object)).rejects.toMatchObject({
    code: 'invalid_options',
    message
  })
  answer()
  expect(appended).toEqual([])
  expect((await publisher.state()).inFlight.events).toBe(0)
})
