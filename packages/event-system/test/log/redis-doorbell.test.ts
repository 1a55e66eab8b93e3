import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { RedisStorage } from '../../src/log/redis/index.ts'
import { redisInTest } from './redis-in-test.ts'

describe('a reader that waits', () => {
  const redis = redisInTest()
  const { started } = redis

  async function commandsServed(): Promise<number> {
    const stats = await redis.client.info('stats')
    return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1])
  }

  let events = 0
  const append = (storage: RedisStorage, payload = 'an event') =>
    storage.log.append([{ eventId: `event-${++events}`, eventType: 'trading_signal', payload }])

  /** How many commands the server serves in a while in which nothing is appended. */
  async function commandsWhileNothingComes(): Promise<number> {
    const before = await commandsServed()
    await new Promise((resolve) => setTimeout(resolve, 500))
    return (await commandsServed()) - before
  }

  test('has what another process appends within 10 ms', async () => {
    const storage = await started()
    const waits: number[] = []
    const child = fork(
      fileURLToPath(new URL('./redis-appending-child.ts', import.meta.url)),
      [redis.server.url, '200'],
      {
        execArgv: ['--conditions=tradpal-source']
      }
    )
    const exited = once(child, 'exit')
    try {
      for await (const { entries } of storage.log.tail('start')) {
        const now = process.hrtime.bigint()
        for (const { payload } of entries) waits.push(Number(now - BigInt(payload ?? 0)) / 1e6)
        if (waits.length === 200) break
      }
    } finally {
      child.kill()
      await exited
    }
    waits.sort((a, b) => a - b)
    expect(waits[100], `median of ${waits.length}, in ms`).toBeLessThan(10)
  })

  test('does not keep the server busy: nothing comes, nothing is asked', async () => {
    const storage = await started()
    await append(storage)
    const group = storage.queue('group')
    await group.create('end')
    const readers = [1, 2, 3].map((name) => group.read(`reader-${name}`, { limit: 1, waitMs: 60_000 }))
    const tail = storage.log.tail('end')[Symbol.asyncIterator]().next()
    for (const reader of [...readers, tail]) reader.catch(() => {})
    expect(await commandsWhileNothingComes()).toBeLessThan(40)
  })

  test('does not keep the server busy after a trim of everything, nor after the stream was deleted', async () => {
    const storage = await started()
    const tail = storage.log.tail('start')[Symbol.asyncIterator]()
    await append(storage)
    await tail.next()
    const next = tail.next()
    await expect.poll(async () => /blocked_clients:1/.test(await redis.client.info('clients'))).toBe(true)
    await storage.log.trim({ maxLength: 0 })
    const late = storage.log.tail('end')[Symbol.asyncIterator]().next()
    expect(await commandsWhileNothingComes()).toBeLessThan(40)
    await redis.client.del('tradpal_events')
    expect(await commandsWhileNothingComes()).toBeLessThan(40)
    await append(storage, 'at last')
    for (const reader of [next, late]) expect((await reader).value).toMatchObject({ entries: [{ payload: 'at last' }] })
  })

  test('misses nothing of two that append without a pause', async () => {
    const storage = await started()
    const appenders = await Promise.all([started(), started()])
    const group = storage.queue('group')
    await group.create('start')
    const seen = new Map<string, number>()
    const readers = [1, 2].map(async (name) => {
      while (seen.size < 2_000) {
        const deliveries = await group.read(`reader-${name}`, { limit: 3, waitMs: 200 })
        for (const { messageId } of deliveries) seen.set(messageId, (seen.get(messageId) ?? 0) + 1)
      }
    })
    await Promise.all(
      appenders.map(async (appender) => {
        for (let round = 0; round < 1_000; round += 1) await append(appender)
      })
    )
    await Promise.all(readers)
    expect(seen.size).toBe(2_000)
    expect([...seen.values()].every((times) => times === 1)).toBe(true)
  })

  test('ends at once when the log is closed', async () => {
    const storage = await started()
    await storage.queue('group').create('start')
    const reading = storage.queue('group').read('one', { limit: 1, waitMs: 60_000 })
    const tail = storage.log.tail('start')[Symbol.asyncIterator]().next()
    reading.catch(() => {})
    await expect.poll(async () => /blocked_clients:1/.test(await redis.client.info('clients'))).toBe(true)
    const before = performance.now()
    await storage.close()
    await expect(reading).rejects.toMatchObject({ code: 'closed' })
    expect(await tail).toEqual({ done: true, value: undefined })
    expect(performance.now() - before, 'long before the wait is over').toBeLessThan(20_000)
    await expect.poll(async () => /connected_clients:1\b/.test(await redis.client.info('clients'))).toBe(true)
  })

  test('wakes when its group is moved back, by this process at once and by another soon', async () => {
    const [storage, other] = [await started(), await started()]
    await append(storage)
    const group = storage.queue('group')
    await group.create('end')
    for (const mover of [storage, other]) {
      const reading = group.read('one', { limit: 1, waitMs: 60_000 })
      await expect.poll(async () => /blocked_clients:1/.test(await redis.client.info('clients'))).toBe(true)
      await mover.queue('group').seek('start')
      const before = performance.now()
      expect(await reading).toHaveLength(1)
      expect(performance.now() - before, 'long before the wait is over').toBeLessThan(20_000)
    }
  })
})
