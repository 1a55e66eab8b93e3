import { diagnostics, EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { ConsumerMetrics } from '../../src/index.ts'
import { SseReader } from './support/sse-reader.ts'
import { get, newLog, post, serviceOver } from './support/test-service.ts'

async function metricsOver(): Promise<{ system: EventSystem; metrics: ConsumerMetrics }> {
  const system = new EventSystem({ environment: await newLog('sqlite') })
  await system.initialize()
  onTestFinished(async () => void (await system.close()))
  const metrics = new ConsumerMetrics(system.storage)
  onTestFinished(() => metrics.close())
  return { system, metrics }
}

const consumed = { attempt: 1, deliveryMs: 1, handlingMs: 1, willRetry: false, error: undefined }
const samplesOf = async (metrics: ConsumerMetrics, name: string) =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`))

test('an event type that is not registered counts as other, whatever says it', async () => {
  const { system, metrics } = await metricsOver()
  const about = { storage: system.storage, group: 'g' }
  for (const eventType of [
    'never_registered',
    'x'.repeat(500_000),
    '__proto__',
    'trading_signal',
    'backtest_complete'
  ]) {
    diagnostics.consumed.publish({ ...about, ...consumed, eventType })
    diagnostics.claimed.publish({ ...about, eventType, count: 1 })
    diagnostics.deadLettered.publish({ ...about, kind: 'rejected', messageId: '1-0', eventType })
  }
  diagnostics.claimed.publish({ ...about, eventType: null, count: 1 })

  for (const name of ['event_service_group_consumed_total', 'event_service_dead_lettered_total']) {
    const types = (await samplesOf(metrics, name)).map((line) => /event_type="([^"]*)".* (\d+)$/.exec(line)?.slice(1))
    expect(types).toEqual([
      ['other', '3'],
      ['trading_signal', '1'],
      ['backtest_completed', '1']
    ])
  }
  expect((await samplesOf(metrics, 'event_service_group_claimed_total')).join()).toContain('event_type="invalid"} 1')
})

test('beyond 1,000 groups that no list has named, groups count as other; those that are listed have values of their own', async () => {
  const { system, metrics } = await metricsOver()
  const consume = (group: string) =>
    diagnostics.consumed.publish({ storage: system.storage, group, eventType: 'trading_signal', ...consumed })
  for (let i = 0; i < 1_100; i++) consume(`g${i}`)

  const samples = await samplesOf(metrics, 'event_service_group_consumed_total')
  expect(samples).toHaveLength(1_001)
  expect(samples).toContain('event_service_group_consumed_total{group="other",event_type="trading_signal"} 100')

  await metrics.listGroups(['g1', 'known'])
  consume('known')
  expect((await samplesOf(metrics, 'event_service_group_consumed_total')).at(-1)).toContain('group="known"')
})

test('a group that is gone has no values any more, and one that was just made keeps its own', async () => {
  const { system, metrics } = await metricsOver()
  const about = { storage: system.storage, eventType: 'trading_signal' }
  const consume = (group: string) => {
    diagnostics.consumed.publish({ ...about, group, ...consumed })
    diagnostics.deadLettered.publish({ ...about, group, kind: 'rejected', messageId: '1-0' })
  }
  await metrics.listGroups(['stays', 'goes'])
  for (const group of ['stays', 'goes']) consume(group)
  await metrics.listGroups(['stays'])
  consume('new')
  await metrics.listGroups(['stays'])

  const text = await metrics.registry.metrics()
  expect(text).not.toContain('group="goes"')
  for (const group of ['stays', 'new']) {
    expect(text).toContain(`event_service_group_consumed_total{group="${group}",event_type="trading_signal"} 1`)
  }
})

test('a group that is removed leaves the metrics of the service', async () => {
  const { url } = await serviceOver('sqlite', { STREAM_MONITOR_INTERVAL: '1' })
  await post(`${url}/events`, { event_type: 'system_health' })
  const { body } = await post(`${url}/groups/g/pull`, { from: 'start' })
  await post(`${url}/groups/g/ack`, { delivery_ids: [body.deliveries[0].delivery_id] })
  expect((await get(`${url}/metrics`)).text).toContain('event_service_group_consumed_total{group="g"')

  await get(`${url}/groups/g?force=true`, { method: 'DELETE' })

  await waitFor(async () => !(await get(`${url}/metrics`)).text.includes('group="g"'))
})

test('a type that another writer made up counts as other where it is handed out', async () => {
  const { url, system } = await serviceOver()
  const eventType = 'y'.repeat(5_000)
  const payload = JSON.stringify({
    event_type: eventType,
    event_id: crypto.randomUUID(),
    timestamp: '2026-11-23T08:49:10.123+00:00',
    source: 'a neighbour',
    data: {},
    metadata: {}
  })
  await system.storage.log.append([{ payload, eventType, eventId: crypto.randomUUID() }] as never)
  const reader = await SseReader.open(`${url}/events/stream?after=start`)
  await reader.untilEvents(1)

  const { text } = await get(`${url}/metrics`)
  expect(text).toContain('event_service_events_consumed_total{event_type="other"} 1')
  expect(text).not.toContain('yyyy')
})
