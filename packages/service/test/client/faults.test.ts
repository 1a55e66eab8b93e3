import { createServer } from 'node:net'
import type { ServiceError } from '@tradpal/event-client'
import { EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { LOGS, newLog } from '../http/support/test-service.ts'
import { clientOf, idsOf, LosingProxy, ServiceProcess, signal, taken } from './support.ts'

describe.each(LOGS)('the client, when the service over %s fails it', (kind) => {
  test('tries a publish again whose answer was lost, and it is one event', async () => {
    const service = await ServiceProcess.start(await newLog(kind))
    const proxy = await LosingProxy.before(service.url)
    const client = clientOf(proxy.url)
    await client.healthCheck()
    proxy.loses = 2
    const once = signal('once')
    const messageId = await client.publishEvent(once)
    expect(await client.publish(once)).toEqual({
      status: 'published',
      messageId,
      eventId: once.eventId,
      duplicate: true
    })
    proxy.loses = 1
    const batchIds = await client.publishBatch([signal('a'), signal('b')])
    expect(proxy.loses).toBe(0)
    const found = await client.getEvents()
    expect(found.map(({ messageId, data }) => [messageId, data.symbol])).toEqual([
      [messageId, 'once'],
      [batchIds[0], 'a'],
      [batchIds[1], 'b']
    ])
  })

  test('follows the log over a killed service with no gap and no repeat', async () => {
    const log = await newLog(kind)
    const service = await ServiceProcess.start(log)
    await using publisher = new EventSystem({ environment: log })
    await publisher.initialize()
    const subscription = clientOf(service.url).subscribe({ eventType: 'trading_signal' })
    await subscription.open()
    const seen: string[] = []
    const following = (async () => {
      for await (const { data } of subscription) {
        seen.push(data.symbol as string)
        if (data.symbol === 'last') return
      }
    })()
    const published: string[] = []
    const publish = async (count: number, last?: string) => {
      const symbols = [...Array.from({ length: count }, () => `s${published.length}-${Math.random()}`), last ?? 'end']
      await publisher.publishBatch(symbols.map((symbol) => signal(symbol)))
      published.push(...symbols)
    }
    // More than the client remembers: it must resume where it was, not drop what comes again.
    await publish(1_500)
    await waitFor(() => seen.length > 1_200)
    await service.kill()
    await publish(50)
    await service.start()
    await publish(50, 'last')
    await following
    expect(seen).toEqual(published)
  })

  test('follows a log with nothing in it over a killed service to its first event', async () => {
    const service = await ServiceProcess.start(await newLog(kind))
    const client = clientOf(service.url)
    const subscription = client.subscribe()
    await subscription.open()
    await service.kill()
    await service.start()
    const messageId = await clientOf(service.url).publishEvent(signal())
    expect(idsOf(await taken(subscription, 1))).toEqual([messageId])
  })

  test('a replay whose service is killed is an error, and goes on from where it was', async () => {
    const service = await ServiceProcess.start(await newLog(kind))
    const client = clientOf(service.url)
    const ids: string[] = []
    for (let batch = 0; batch < 10; batch++) {
      ids.push(...(await client.publishBatch(Array.from({ length: 2_000 }, () => signal()))))
    }
    const seen: string[] = []
    const interrupted = (async () => {
      for await (const { messageId } of client.streamReplay()) {
        seen.push(messageId)
        if (seen.length === 10) await service.kill()
      }
    })()
    await expect(interrupted).rejects.toMatchObject({ code: 'service_unavailable', retryable: true })
    expect(seen.length).toBeLessThan(ids.length)
    await service.start()
    for await (const { messageId } of client.streamReplay({ after: seen.at(-1) as string })) seen.push(messageId)
    expect(seen).toEqual(ids)
  })
})

test('what the service refuses is its problem; what is not there, late or gone has a code of its own', async () => {
  const service = await ServiceProcess.start(await newLog('sqlite'))
  const client = clientOf(service.url, { retries: 1, timeoutMs: 300 })
  await expect(client.getEvent('1-0')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  const refusal = await client.getEvents({ limit: 1_001 }).catch((error: ServiceError) => error)
  expect(refusal).toMatchObject({
    code: 'invalid_argument',
    problem: { type: 'about:blank', title: 'Bad Request', status: 400, instance: '/events?limit=1001' }
  })
  expect((refusal as ServiceError).message).toBe((refusal as ServiceError).problem?.detail)
  await expect(client.getEvents({ startTime: 1, after: '1-0' })).rejects.toMatchObject({ code: 'invalid_argument' })
  await expect(client.getEvents({ startTime: 2, endTime: 1 })).rejects.toMatchObject({ code: 'invalid_argument' })
  await expect(client.deadLetters.requeue('404')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  await expect(taken(client.subscribe({ after: 'nonsense' }), 1)).rejects.toMatchObject({ code: 'invalid_message_id' })
  await expect(client.getEvents({ eventType: 'trading_signl' as string })).rejects.toMatchObject({
    code: 'unknown_event_type',
    message: expect.stringContaining('trading_signal')
  })
  const port = await freePort()
  const silent = createServer(() => {}).listen(port, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await expect(clientOf(`http://127.0.0.1:${port}`, { retries: 0, timeoutMs: 200 }).getEvents()).rejects.toMatchObject({
    code: 'service_timeout',
    retryable: true
  })
  service.pause()
  const late = { code: 'service_timeout', retryable: true }
  await expect(client.publishEvent(signal('late'))).rejects.toMatchObject(late)
  service.resume()
  await service.kill()
  await expect(client.publishEvent(signal())).rejects.toMatchObject({ code: 'service_unavailable', retryable: true })
})
