import { describe, expect, test } from 'vitest'
import type { AppendEntry } from '../../src/log/port.ts'
import { redisInTest } from './redis-in-test.ts'

let ids = 0
function entry(streamKey?: string): AppendEntry {
  const of = { eventId: `event-${++ids}`, eventType: 'order_executed', payload: `event ${ids}` }
  return streamKey === undefined ? of : { ...of, streamKey }
}

describe('the versions of stream keys in Redis', () => {
  const redis = redisInTest()

  test('stand in one hash, a field for each key, which a log without keys does not have', async () => {
    const storage = await redis.started()
    await storage.log.append([entry(), entry()])
    expect(await redis.client.exists('tradpal_events:stream_versions')).toBe(0)
    await storage.log.append([entry('account-7'), entry('order-17'), entry()])
    await storage.log.append([entry('account-7')], { expected: [{ key: 'account-7', version: 1 }] })
    expect({ ...(await redis.client.hGetAll('tradpal_events:stream_versions')) }).toEqual({
      'account-7': '2',
      'order-17': '1'
    })
  })

  test('appends at once, with keys and without, keep their order, though the server knows only some of their scripts', async () => {
    for (const first of [[entry()], [entry(), entry()], [entry('order-17')]]) {
      await redis.client.flushAll()
      await redis.client.sendCommand(['SCRIPT', 'FLUSH'])
      await (await redis.started()).log.append(first)
      const storage = await redis.started()
      const entries = Array.from({ length: 30 }, (_, i) =>
        i % 3 === 0 ? [entry('order-17')] : [entry(), entry()].slice((i % 3) - 1)
      )
      const results = (await Promise.all(entries.map((some) => storage.log.append(some)))).flat()
      const stored = (await storage.log.read({ limit: 100 })).entries.slice(first.length)
      expect(stored.map(({ messageId }) => messageId)).toEqual(results.map(({ messageId }) => messageId))
    }
  })

  test('where that key is another type, what names a key is refused with log_incompatible, and nothing is written', async () => {
    const storage = await redis.started()
    await redis.client.set('tradpal_events:stream_versions', 'a text')
    for (const options of [{}, { expected: [{ key: 'account-7', version: 0 }] }]) {
      await expect(storage.log.append([entry(), entry('account-7')], options)).rejects.toMatchObject({
        code: 'log_incompatible'
      })
    }
    expect((await storage.log.info()).length).toBe(0)
    await storage.log.append([entry()])
  })
})
