import type { Logger } from '@tradpal/event-system'
import { expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { get, newLog, post, serviceOver, signal } from './support/test-service.ts'

test('an entry that is no valid event is logged and counted when it is first met, and no query ends at it', async () => {
  const environment = await newLog('redis')
  const warnings: object[] = []
  const logger: Logger = {
    ...{ debug: () => {}, info: () => {}, error: () => {} },
    warn: (values) => void ('messageId' in values && warnings.push(values)),
    child: () => logger
  }
  const service = await serviceOver('redis', environment, { logger })
  const client = await redisClient(environment.REDIS_URL ?? '').connect()
  onTestFinished(() => client.destroy())
  const stream = environment.EVENT_STREAM_NAME ?? ''
  const noEvent = await client.xAdd(stream, '*', { price: '1' })
  const notJson = await client.xAdd(stream, '*', { event: '{"data": NaN}' })
  await post(`${service.url}/events`, signal())

  for (let time = 0; time < 3; time += 1) expect((await get(`${service.url}/events`)).body.count).toBe(1)

  expect(warnings).toMatchObject([
    { messageId: notJson, reason: expect.any(String) },
    { messageId: noEvent, reason: 'It has no field "event".' }
  ])
  expect((await get(`${service.url}/metrics`)).text).toMatch(/^event_service_poison_entries_total 2$/m)
})
