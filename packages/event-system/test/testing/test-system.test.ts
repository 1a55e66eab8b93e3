import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { createEvent, EventType } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { EventSystem } from '../../src/event-system.ts'
import { createTestSystem, FakeClock, waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'

const AT_ONCE = { group: 'brokers', from: 'start', backoff: { initialMs: 1, maxMs: 1 } } as const
const order = (symbol: string) =>
  createEvent(EventType.ORDER_EXECUTED, { symbol, side: 'BUY', quantity: 1, price: 100 })

describe('a test system', () => {
  it('settles when all is handled that was published, by handlers of handlers too', async () => {
    await using test = await createTestSystem()
    const { system } = test
    const handled: string[] = []
    system.registerHandler(EventType.TRADING_SIGNAL, async (event) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await system.publishEvent(order(event.data.symbol))
    })
    system.registerHandler(EventType.ORDER_EXECUTED, async (event) => {
      await system.publishEvent(createEvent(EventType.PORTFOLIO_UPDATE, { cash: event.data.price }))
    })
    system.registerHandler(EventType.PORTFOLIO_UPDATE, async (event) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      handled.push(event.eventType)
    })
    await system.startConsuming(AT_ONCE)
    const messageIds = await test.publishAndSettle([signal('AAPL'), signal('MSFT')])

    expect(handled).toHaveLength(2)
    const published = await test.published()
    expect(published.slice(0, 2).map(({ messageId }) => messageId)).toEqual(messageIds)
    expect(published.map(({ eventType }) => eventType).sort()).toEqual([
      ...Array(2).fill('order_executed'),
      ...Array(2).fill('portfolio_update'),
      ...Array(2).fill('trading_signal')
    ])
    expect((await test.published(EventType.ORDER_EXECUTED)).map(({ data }) => data.symbol)).toEqual(['AAPL', 'MSFT'])
    expect(await test.published([EventType.ORDER_EXECUTED, EventType.PORTFOLIO_UPDATE])).toHaveLength(4)
  })

  it('settles what a handler publishes without waiting for it', async () => {
    await using test = await createTestSystem()
    const { system } = test
    let orders = 0
    system.registerHandler(EventType.TRADING_SIGNAL, (event) => {
      for (let i = 0; i < 20; i++) void system.publishEvent(order(event.data.symbol))
    })
    system.registerHandler(EventType.ORDER_EXECUTED, () => void orders++)
    await system.startConsuming(AT_ONCE)
    for (let i = 1; i <= 20; i++) {
      await test.publishAndSettle(signal())
      expect(orders).toBe(i * 20)
    }
  })

  it('settles when retries are done', async () => {
    await using test = await createTestSystem()
    const attempts: number[] = []
    test.system.registerHandler(EventType.TRADING_SIGNAL, (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt < 3) throw new Error('not yet')
    })
    await test.system.startConsuming(AT_ONCE)
    await test.publishAndSettle(signal())
    expect(attempts).toEqual([1, 2, 3])
    expect(await test.deadLetters()).toEqual([])
  })

  it('has what each group gave up on', async () => {
    await using test = await createTestSystem()
    const { system } = test
    system.registerHandler(EventType.TRADING_SIGNAL, (event, { group }) => {
      if (group === 'brokers') throw new Error(`no market for ${event.data.symbol}`)
    })
    await system.startConsuming({ ...AT_ONCE, maxAttempts: 2 })
    await system.startConsuming({ ...AT_ONCE, group: 'auditors' })
    const [messageId] = await test.publishAndSettle(signal('AAPL'))
    const lastError = { message: 'no market for AAPL' }
    const letter = { messageId, group: 'brokers', kind: 'exhausted', lastError, attempts: 2 }
    expect(await test.deadLetters()).toMatchObject([letter])
    expect(await test.deadLetters('brokers')).toMatchObject([letter])
    expect(await test.deadLetters('auditors')).toEqual([])
  })

  it('has all dead letters, however many', async () => {
    await using test = await createTestSystem()
    test.system.registerHandler('*', () => {
      throw new Error('never')
    })
    await test.system.startConsuming({ ...AT_ONCE, maxAttempts: 1, concurrency: 100 })
    const messageIds = await test.publishAndSettle(signals(1_200), { timeoutMs: 15_000 })
    expect((await test.deadLetters()).map(({ messageId }) => messageId).sort()).toEqual([...messageIds].sort())
  })

  it('settles for every group, and at once without any', async () => {
    await using test = await createTestSystem()
    await test.publishAndSettle(signal())
    const seen: string[] = []
    test.system.registerHandler(EventType.TRADING_SIGNAL, async (_, { group }) => {
      await new Promise((resolve) => setTimeout(resolve, group === 'slow' ? 30 : 0))
      seen.push(group)
    })
    await test.system.startConsuming({ group: 'quick', from: 'start' })
    await test.system.startConsuming({ group: 'slow', from: 'start' })
    await test.settle()
    expect(seen.sort()).toEqual(['quick', 'slow'])
  })

  it('names the groups that do not settle in time', async () => {
    await using test = await createTestSystem()
    const goOn = Promise.withResolvers<void>()
    test.system.registerHandler(EventType.TRADING_SIGNAL, () => goOn.promise)
    await test.system.startConsuming({ group: 'brokers', prefetch: 1 })
    await test.system.publishBatch(signals(3))
    await waitFor(async () => (await test.system.getEventStats()).groups[0]?.pending === 2)
    await expect(test.settle({ timeoutMs: 50 })).rejects.toThrow(
      /^the group brokers has 2 events to be acknowledged or retried, and 1 to come, after 50 ms$/
    )
    goOn.resolve()
    await test.settle()
  })

  it('does not settle while a group that nobody consumes has events to come', async () => {
    await using test = await createTestSystem()
    test.system.registerHandler('*', () => {})
    await (await test.system.startConsuming({ group: 'brokers' })).close()
    await expect(test.publishAndSettle(signal(), { timeoutMs: 50 })).rejects.toThrow(/brokers has 0 .* and 1 to come/)
  })

  it('goes by the clock of the test', async () => {
    const clock = new FakeClock()
    await using test = await createTestSystem({ clock })
    const [messageId = ''] = await test.publishAndSettle(signal())
    expect((await test.system.storage.log.get([messageId]))[0]?.appendedAt).toBe(clock.now())
    await clock.advance(60_000)
    await test.publishAndSettle(signal())
    expect(await test.system.getEvents({ startTime: clock.now() })).toHaveLength(1)

    const attempts: number[] = []
    test.system.registerHandler(EventType.RISK_ALERT, (_, { attempt }) => {
      attempts.push(clock.now())
      if (attempt === 1) throw new Error('not yet')
    })
    await test.system.startConsuming({ group: 'pagers', maxAttempts: 2, backoff: { initialMs: 1_000 } })
    await test.system.publishEvent(createEvent(EventType.RISK_ALERT, { message: 'drawdown' }))
    const isRetrying = async () => (await test.system.groups.get('pagers')).retrying === 1
    await waitFor(isRetrying, { what: 'the wait for the retry' })
    expect(attempts).toHaveLength(1)
    await clock.advance(1_000)
    await test.settle()
    expect(attempts).toHaveLength(2)
  })

  it('does not look at the environment of the process', async () => {
    process.env.EVENT_LOG_TIMEOUT_MS = 'nonsense'
    try {
      await using test = await createTestSystem()
      expect(test.system.storage.kind).toBe('sqlite')
    } finally {
      delete process.env.EVENT_LOG_TIMEOUT_MS
    }
  })

  it('lends its log to a second system, and takes it along when it is closed', async () => {
    const test = await createTestSystem()
    await test.publishAndSettle(signal('AAPL'))
    {
      await using other = new EventSystem({ logPath: test.logPath, environment: {} })
      await other.initialize()
      expect(await other.getEvents()).toMatchObject([{ data: { symbol: 'AAPL' } }])
    }
    expect(existsSync(test.logPath)).toBe(true)
    await test.close()
    await test.close()
    expect(existsSync(dirname(test.logPath))).toBe(false)
  })

  it('is of its own: no two see the events of each other', async () => {
    await using one = await createTestSystem()
    await using other = await createTestSystem()
    await one.publishAndSettle(signal())
    expect(await other.published()).toEqual([])
  })
})
