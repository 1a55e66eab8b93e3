import type { ConsumeHandler, ConsumeOptions, EventClient } from '@tradpal/event-client'
import { waitFor } from '@tradpal/event-system/testing'
import { type EventOf, Reject, RetryLater } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LOGS, newLog, serviceOver } from '../http/support/test-service.ts'
import { clientOf, LosingProxy, ServiceProcess, signal } from './support.ts'

const GROUP = 'brokers'

async function publish(client: EventClient, count: number): Promise<string[]> {
  return client.publishBatch(Array.from({ length: count }, (_, index) => signal(`S${index}`)))
}

async function consume(client: EventClient, handler: ConsumeHandler, options: ConsumeOptions = {}) {
  const consumption = await client.consume(GROUP, handler, { from: 'start', ...options })
  onTestFinished(async () => void (await consumption.close({ timeoutMs: 0 })))
  return consumption
}

/** A handler that writes down what it is given, and holds the events that it is told to until their signal is aborted. */
function recorder(isHeld: (messageId: string) => boolean = () => false) {
  const seen: { messageId: string; attempt: number }[] = []
  const aborted: string[] = []
  const handler: ConsumeHandler = async ({ messageId }, { attempt, signal: lost }) => {
    seen.push({ messageId, attempt })
    if (!isHeld(messageId)) return
    await new Promise((resolve) => lost.addEventListener('abort', resolve))
    aborted.push(lost.reason.code)
  }
  return { seen, aborted, handler, ids: () => seen.map(({ messageId }) => messageId) }
}

const settled = (client: EventClient, count = 0) =>
  waitFor(async () => {
    const { lag, pending } = await client.groups.get(GROUP)
    return lag === 0 && pending === count
  })

describe.each(LOGS)('consuming with the client, over %s', (kind) => {
  test('each event is handled in log order, once, and acknowledged', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    const ids = await publish(client, 250)
    const { handler, seen, ids: handled } = recorder()
    await consume(client, handler, { prefetch: 20 })
    await settled(client)
    expect(handled()).toEqual(ids)
    expect(new Set(seen.map(({ attempt }) => attempt))).toEqual(new Set([1]))
  })

  test('only the types that are asked for are handled, typed', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    await client.publishMarketData('AAPL', { price: 231.5 })
    await publish(client, 1)
    const prices: (number | undefined)[] = []
    const keep = (event: EventOf<'market_data_update'>) => event.valid && prices.push(event.data.price)
    const consumption = await client.consume(GROUP, keep, {
      from: 'start',
      eventType: 'market_data_update'
    })
    await settled(client)
    expect(prices).toEqual([231.5])
    expect(await consumption.close()).toEqual({ handedBack: 0, unfinished: 0 })
  })

  test('two members share the events', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    const one = recorder()
    const two = recorder()
    await consume(client, one.handler, { prefetch: 5 })
    await consume(client, two.handler, { prefetch: 5 })
    const ids = await publish(client, 400)
    await settled(client)
    expect([...one.ids(), ...two.ids()].toSorted()).toEqual(ids.toSorted())
    expect((await client.groups.get(GROUP)).consumers).toHaveLength(2)
  })

  test('what fails is tried again, then a dead letter; what is put off is not counted; what is rejected is one at once', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    const [failing, late, rejected] = await publish(client, 3)
    const told: unknown[] = []
    const attempts: Record<string, number> = {}
    await consume(
      client,
      ({ messageId }) => {
        attempts[messageId] = (attempts[messageId] ?? 0) + 1
        if (messageId === failing) throw new Error('no margin')
        if (messageId === rejected) throw new Reject('no such account')
        if (messageId === late && (attempts[messageId] ?? 0) < 3) throw new RetryLater(20)
      },
      { maxAttempts: 2, onError: (error) => told.push(error) }
    )
    await settled(client)
    expect(attempts).toEqual({ [failing ?? '']: 2, [late ?? '']: 3, [rejected ?? '']: 1 })
    expect(told).toHaveLength(3)
    const letters = await client.deadLetters.list()
    expect(
      letters.map(({ messageId, kind, attempts, lastError }) => [messageId, kind, attempts, lastError.message])
    ).toEqual([
      [rejected, 'rejected', 1, 'no such account'],
      [failing, 'exhausted', 2, 'Error: no margin']
    ])
  })

  test('a handler that runs longer than the lease keeps its event', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    const [first = ''] = await publish(client, 1)
    const slow = recorder((id) => id === first)
    const other = recorder()
    const consumption = await consume(client, slow.handler, { leaseMs: 150 })
    await waitFor(() => slow.seen.length === 1)
    await consume(client, other.handler, { leaseMs: 150 })
    const idleTwice = async () => {
      const [pending] = await client.groups.pending(GROUP)
      return pending?.consumer === consumption.consumer && Date.now() - pending.at > 600 && pending.idleMs < 150
    }
    await waitFor(idleTwice)
    expect(other.seen).toEqual([])
  })

  test('what closing finds in hand is handed back, and another has it at once', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    const ids = await publish(client, 5)
    const stuck = recorder(() => true)
    const consumption = await consume(client, stuck.handler)
    await waitFor(() => stuck.seen.length === 1)
    expect(await consumption.close({ timeoutMs: 50 })).toEqual({ handedBack: 4, unfinished: 1 })
    await consumption.finished
    expect(stuck.aborted).toEqual(['closed'])
    const other = recorder()
    await consume(client, other.handler)
    await settled(client)
    expect(other.ids().toSorted()).toEqual(ids)
  })

  test('a group is moved and removed', async () => {
    const client = clientOf((await serviceOver(kind)).url)
    const ids = await publish(client, 3)
    const first = recorder()
    const consumption = await consume(client, first.handler)
    await settled(client)
    await expect(client.groups.seek(GROUP, 'start')).rejects.toMatchObject({ code: 'group_conflict' })
    await consumption.close()
    await client.groups.seek(GROUP, ids[1] ?? '', { force: true })
    const { name, partitions, lag, pending } = await client.groups.get(GROUP)
    // The service may not have noticed yet that the last pull was given up, and hands back what that got.
    expect({ name, partitions, left: (lag ?? 0) + (pending ?? 0) }).toEqual({ name: GROUP, partitions: null, left: 1 })
    await client.groups.seek(GROUP, new Date(0), { force: true })
    expect((await client.groups.list()).map(({ name, lag }) => [name, lag])).toEqual([[GROUP, 3]])
    await client.groups.remove(GROUP, { force: true })
    expect(await client.groups.list()).toEqual([])
    await expect(client.groups.get(GROUP)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a service that is killed loses nothing, and consuming goes on when it is back', async () => {
    const service = await ServiceProcess.start(await newLog(kind))
    const client = clientOf(service.url)
    const { handler, ids: handled } = recorder()
    await consume(client, handler, { leaseMs: 1_000 })
    const ids: string[] = []
    for (let round = 0; round < 3; round++) {
      ids.push(...(await publish(client, 50)))
      await service.kill()
      await service.start()
    }
    await waitFor(async () => new Set(handled()).size === 150 && (await client.groups.get(GROUP)).pending === 0, {
      timeoutMs: 20_000
    })
    expect(new Set(handled())).toEqual(new Set(ids))
  })
})

test('an acknowledgement whose answer was lost is made again, and counts once', async () => {
  const { url } = await serviceOver()
  const proxy = await LosingProxy.before(url)
  const direct = clientOf(url)
  await publish(direct, 1)
  const told: unknown[] = []
  const { handler, seen } = recorder()
  const losing: ConsumeHandler = async (event, context) => {
    await handler(event, context)
    proxy.loses = 1
  }
  await consume(clientOf(proxy.url), losing, { onError: (error) => told.push(error) })
  await settled(direct)
  await waitFor(() => proxy.loses === 0)
  expect(seen).toHaveLength(1)
  expect(told).toEqual([])
})

test('what another attempt cannot help rejects: consume at once, finished later', async () => {
  const service = await serviceOver()
  const client = clientOf(service.url)
  await expect(client.consume(GROUP, () => {}, { eventType: 'trading_signl' as never })).rejects.toMatchObject({
    code: 'unknown_event_type'
  })
  await expect(client.consume(GROUP, 'handler' as never)).rejects.toMatchObject({ code: 'invalid_argument' })
  await expect(client.consume('..', () => {})).rejects.toMatchObject({ code: 'invalid_argument' })
  for (const wrong of [{ leaseMs: 0 }, { prefetch: 1_001 }, { concurrency: 0 }, { maxAttempts: 0 }, { onError: 1 }]) {
    await expect(client.consume(GROUP, () => {}, wrong as ConsumeOptions)).rejects.toMatchObject({
      code: 'invalid_options'
    })
  }
  expect(await client.groups.list()).toEqual([])
  const consumption = await client.consume(GROUP, () => {})
  await client.close()
  await consumption.finished
  await expect(client.consume(GROUP, () => {})).rejects.toMatchObject({ code: 'closed' })
})

test('the signal ends it, and hands back what it had', async () => {
  const client = clientOf((await serviceOver()).url)
  const [, second] = await publish(client, 2)
  const stop = new AbortController()
  const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
  const begun: string[] = []
  const untilStopped: ConsumeHandler = async ({ messageId }) => {
    begun.push(messageId)
    await stopped
  }
  const consumption = await consume(client, untilStopped, { signal: stop.signal })
  await waitFor(() => begun.length === 1)
  stop.abort()
  await consumption.finished
  expect((await client.groups.pending(GROUP)).map(({ messageId, consumer }) => [messageId, consumer])).toEqual([
    [second, '']
  ])
})
