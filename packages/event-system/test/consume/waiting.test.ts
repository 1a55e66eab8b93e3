import { createEvent, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, EventSubscriber, type Handler } from '../../src/consume/index.ts'
import type { Log, Storage, WorkQueue } from '../../src/log/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isGroupSettled, signal, withFaults } from '../support/events.ts'

/** A signal that takes more than 2 kB. */
function large(symbol: string, price: number) {
  const data = { symbol, signal: 'BUY', price, reason: 'x'.repeat(2_000) } as const
  return createEvent(EventType.TRADING_SIGNAL, data, { source: 'test' })
}

/** Fails on what is `stuck`, until it may pass; writes down what it has handled. */
class Desk {
  readonly handled: string[] = []
  mayPass = false
  readonly #isStuck: (event: string) => boolean

  constructor(isStuck: (event: string) => boolean) {
    this.#isStuck = isStuck
  }

  readonly handler: Handler<'trading_signal'> = ({ data }) => {
    const name = `${data.symbol} ${data.price}`
    if (!this.mayPass && this.#isStuck(name)) throw new Error('not yet')
    this.handled.push(name)
  }
}

async function consume(storage: Storage, desk: Pick<Desk, 'handler'>, options: ConsumeOptions) {
  const subscriber = new EventSubscriber({ storage })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  subscriber.registerHandler(EventType.TRADING_SIGNAL, desk.handler, { name: 'desk' })
  const backoff = { initialMs: 50, maxMs: 50 }
  return subscriber.startConsuming({ group: 'g', from: 'start', maxAttempts: 10_000, backoff, ...options })
}

async function isSettled(storage: Storage): Promise<boolean> {
  return isGroupSettled(storage, 'g')
}

function names(symbol: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${symbol} ${i + 1}`)
}

describeOnEachLog('events that wait', (logs) => {
  test('twelve thousand behind one that fails hold up no other key, and come in order when it passes', {
    timeout: 60_000
  }, async () => {
    const storage = await logs.open()
    const count = 12_000
    const desk = new Desk((name) => name === 'AAPL 1')
    for (let from = 0; from < count; from += 1_000) {
      await append(storage, ...Array.from({ length: 1_000 }, (_, i) => signal('AAPL', from + i + 1)))
    }
    await append(storage, signal('MSFT', 1))
    await consume(storage, desk, { ordering: 'key', concurrency: 8 })
    await waitFor(() => desk.handled.includes('MSFT 1'), { timeoutMs: 30_000 })
    expect(desk.handled).toEqual(['MSFT 1'])
    desk.mayPass = true
    await waitFor(() => isSettled(storage), { timeoutMs: 30_000 })
    expect(desk.handled.slice(1)).toEqual(names('AAPL', count))
  })

  test.each(['key', 'none'] as const)(
    'with ordering %s, more bytes than may be in hand hold up nothing, and come back whole',
    async (ordering) => {
      const storage = await logs.open()
      const desk = new Desk((name) => name.startsWith('AAPL'))
      await append(storage, ...Array.from({ length: 100 }, (_, i) => large('AAPL', i + 1)), signal('MSFT', 1))
      const backoff = { initialMs: 1_000, maxMs: 1_000 }
      await consume(storage, desk, { ordering, backoff, prefetch: 10, prefetchBytes: 32_768, concurrency: 4 })
      await waitFor(() => desk.handled.includes('MSFT 1'))
      expect(desk.handled).toEqual(['MSFT 1'])
      desk.mayPass = true
      await waitFor(() => isSettled(storage))
      const rest = desk.handled.slice(1)
      const ordered = ordering === 'key' ? rest : rest.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
      expect(ordered).toEqual(names('AAPL', 100))
    }
  )

  test('what an operator forces out of the log meanwhile is passed over, and the rest goes on', async () => {
    const storage = await logs.open()
    const desk = new Desk((name) => name === 'AAPL 1')
    await append(storage, ...Array.from({ length: 100 }, (_, i) => large('AAPL', i + 1)), signal('MSFT', 1))
    await consume(storage, desk, { ordering: 'key', prefetch: 10, prefetchBytes: 32_768 })
    await waitFor(() => desk.handled.includes('MSFT 1'))
    await storage.log.trim({ maxLength: 11 }, { force: true })
    desk.mayPass = true
    await waitFor(() => isSettled(storage))
    expect(desk.handled).toContain('AAPL 100')
    expect(desk.handled.length).toBeLessThan(60)
  })

  test('a log that fails when they are read once more keeps them, and their order', async () => {
    const storage = await logs.open()
    let failures = 0
    const isDown = () => desk.mayPass && failures < 3
    const get: Log['get'] = (messageIds) => {
      if (!isDown()) return storage.log.get(messageIds)
      failures++
      return Promise.reject(new Error('no answer'))
    }
    const desk = new Desk((name) => name === 'AAPL 1')
    await append(storage, ...Array.from({ length: 60 }, (_, i) => large('AAPL', i + 1)), signal('MSFT', 1))
    await consume(withFaults(storage, { get }), desk, { ordering: 'key', prefetch: 10, prefetchBytes: 32_768 })
    await waitFor(() => desk.handled.includes('MSFT 1'))
    desk.mayPass = true
    await waitFor(() => isSettled(storage))
    expect(failures).toBe(3)
    expect(desk.handled.slice(1)).toEqual(names('AAPL', 60))
  })

  test('a process that is frozen while they are read once more asks whether they are its own before it handles them', async () => {
    const storage = await logs.open()
    const steps: string[] = []
    const frozen = withFaults(storage, {
      async get(messageIds) {
        const entries = await storage.log.get(messageIds)
        if (!steps.includes('frozen')) {
          steps.push('frozen')
          for (const end = Date.now() + 600; Date.now() < end; );
        }
        return entries
      },
      queue: (name) => {
        const group = storage.queue(name)
        const extend = group.extend.bind(group)
        return Object.assign(group, {
          extend(consumer, holds) {
            steps.push('asked')
            return extend(consumer, holds)
          }
        } satisfies Partial<WorkQueue>)
      }
    })
    const desk = new Desk(() => !steps.includes('frozen'))
    const handler: typeof desk.handler = (event, context) => {
      if (steps.includes('frozen')) steps.push('handled')
      return desk.handler(event, context)
    }
    await consume(
      frozen,
      { handler },
      { ordering: 'none', prefetch: 1, claimAfterMs: 300, backoff: { initialMs: 50, maxMs: 50 } }
    )
    await append(storage, large('A', 1), large('B', 2), large('C', 3))
    await waitFor(() => isGroupSettled(storage, 'g'))
    const since = steps.slice(steps.indexOf('frozen'))
    expect(since.slice(0, 2)).toEqual(['frozen', 'asked'])
    expect(since.filter((step) => step === 'handled').length).toBeGreaterThanOrEqual(3)
  })
})
