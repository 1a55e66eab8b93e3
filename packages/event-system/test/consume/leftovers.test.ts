import { expect, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, EventPuller, EventSubscriber } from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals, withFaults } from '../support/events.ts'

function subscriberOn(storage: Storage): EventSubscriber {
  const subscriber = new EventSubscriber({ storage })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  return subscriber
}

const inAYear = () => new Date(Date.now() + 365 * 86_400_000)

describeOnEachLog('what is left to others, and what nobody foresaw', (logs) => {
  test('what a dead member held is taken over before anything new, however much is new', async () => {
    const storage = await logs.open()
    await append(storage, ...signals(20))
    const group = storage.queue('g')
    await group.create('start')
    const ofTheDead = new Set(
      (await group.read('the dead', { limit: 20, waitMs: 0 })).map(({ messageId }) => messageId)
    )
    await append(storage, ...signals(2_000))
    const subscriber = subscriberOn(storage)
    const handled: string[] = []
    subscriber.registerHandler('*', async (_, { messageId }) => {
      handled.push(messageId)
      await new Promise((resolve) => setTimeout(resolve, 2))
    })
    await subscriber.startConsuming({ group: 'g', claimAfterMs: 300, prefetch: 50 })
    await waitFor(() => handled.filter((messageId) => ofTheDead.has(messageId)).length === 20)
    expect(handled.length, 'while there was more').toBeLessThan(1_500)
  })

  test('what a member hands back when it closes an idle one has within seconds, though it claims only after half a minute', async () => {
    const storage = await logs.open()
    const closing = subscriberOn(storage)
    const gate = Promise.withResolvers<void>()
    let begun = 0
    closing.registerHandler('*', async () => {
      begun += 1
      await gate.promise
    })
    const options: ConsumeOptions = { group: 'g', from: 'start' }
    const first = await closing.startConsuming({ ...options, consumer: 'first' })
    await append(storage, ...signals(10))
    await waitFor(() => begun === 1)
    const staying = subscriberOn(storage)
    let handled = 0
    staying.registerHandler('*', () => void handled++)
    await staying.startConsuming({ ...options, consumer: 'second' })
    const report = first.close()
    gate.resolve()
    expect((await report).handedBack).toBe(9)
    await waitFor(() => handled === 9, { timeoutMs: 4_000 })
  })

  test('a retryOn that throws, or something thrown that no text can be made of, is a failure like any other', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const once = { maxAttempts: 2, backoff: { initialMs: 1 } }
    subscriber.registerHandler('trading_signal', () => Promise.reject(new Error('No.')), {
      name: 'throws',
      ...once,
      retryOn: (error) => (error as { response: { status: number } }).response.status === 500
    })
    subscriber.registerHandler('trading_signal', () => Promise.reject(Object.create(null)), {
      name: 'without',
      ...once
    })
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    await append(storage, signal())
    const [letter] = await waitFor(async () => {
      const letters = await new DeadLetters({ storage }).list({ limit: 10 })
      return letters.length > 0 && letters
    })
    expect(letter).toMatchObject({ kind: 'exhausted', attempts: 2, handler: 'throws, without' })
    expect(letter?.lastError.message).toBe('2 handlers failed: No.; object without a text')
  })

  test('a time to close that is none is refused, and nothing has changed', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    let handled = 0
    subscriber.registerHandler('*', () => void handled++)
    const consumer = await subscriber.startConsuming({ group: 'g', from: 'start' })
    for (const timeoutMs of [-5, Number.NaN, 'x' as unknown as number]) {
      await expect(consumer.close({ timeoutMs })).rejects.toMatchObject({ code: 'invalid_options' })
    }
    await append(storage, signal())
    await waitFor(() => handled === 1)
    expect(await consumer.close()).toEqual({ handedBack: 0, unfinished: 0 })
  })

  test('closing over a log that does not answer ends in time, and says that nothing was handed back', async () => {
    const storage = await logs.open()
    await append(storage, ...signals(5))
    let isHung = false
    const never = new Promise<never>(() => {})
    const hanging = withFaults(storage, {
      queue: (name) =>
        new Proxy(storage.queue(name), {
          get(target, method) {
            const value = Reflect.get(target, method)
            if (typeof value !== 'function') return value
            return (...args: unknown[]) => (isHung ? never : value.apply(target, args))
          }
        })
    })
    const subscriber = subscriberOn(hanging)
    const gate = Promise.withResolvers<void>()
    let begun = 0
    subscriber.registerHandler('*', () => {
      begun += 1
      return gate.promise
    })
    const consumer = await subscriber.startConsuming({ group: 'g', from: 'start' })
    await waitFor(async () => begun === 1 && (await storage.queue('g').info()).pending === 5)
    isHung = true
    const started = performance.now()
    expect(await consumer.close({ timeoutMs: 300 })).toEqual({ handedBack: 0, unfinished: 5 })
    expect(performance.now() - started).toBeLessThan(15_000)
    gate.resolve()
  })

  test('a group cannot begin where the log has not come yet', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    subscriber.registerHandler('*', () => {})
    for (const [from, code, reason] of [
      [inAYear(), 'invalid_options', 'is in the future'],
      [`${inAYear().getTime()}-0`, 'invalid_argument', 'is ahead of the log']
    ] as const) {
      const message = expect.stringContaining(reason)
      await expect(subscriber.startConsuming({ group: 'g', from })).rejects.toMatchObject({ code, message })
      const pulling = new EventPuller({ storage }).pull({ group: 'g', from })
      await expect(pulling).rejects.toMatchObject({ code: 'invalid_argument', message })
    }
    expect((await storage.log.info()).groups).toEqual([])
  })
})
