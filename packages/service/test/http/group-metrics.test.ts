import { EventSystem, EventType } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { ConsumerMetrics } from '../../src/index.ts'
import { get, LOGS, newLog, post, serviceOver, signal } from './support/test-service.ts'

const labels = '\\{group="desk",event_type="trading_signal"\\}'
const soon = { initialMs: 1, maxMs: 1 }

test.each(LOGS)('what consumers in the process do is counted by group and type, over %s', async (kind) => {
  const log = await newLog(kind)
  const system = new EventSystem({ environment: log })
  onTestFinished(async () => void (await system.close()))
  await system.initialize()
  const metrics = new ConsumerMetrics(system.storage)
  onTestFinished(() => metrics.close())
  const { url } = await serviceOver(kind, log)
  system.registerHandler(
    EventType.TRADING_SIGNAL,
    ({ data }, { attempt }) => {
      if (data.symbol === 'BAD' || (data.symbol === 'LATER' && attempt === 1)) throw new Error('No.')
    },
    { maxAttempts: 3, backoff: soon }
  )
  await system.storage.queue('desk').create('start')
  await post(`${url}/events`, signal('LEFT'))
  await system.storage.queue('desk').read('somebody', { limit: 1, waitMs: 0 })
  await system.startConsuming({ group: 'desk', from: 'start', claimAfterMs: 50 })
  for (const symbol of ['GOOD', 'LATER', 'BAD']) await post(`${url}/events`, signal(symbol))
  await waitFor(async () => {
    const text = await metrics.registry.metrics()
    expect(text).toMatch(new RegExp(`^event_service_group_consumed_total${labels} 3$`, 'm'))
    expect(text).toMatch(new RegExp(`^event_service_group_failed_total${labels} 4$`, 'm'))
    expect(text).toMatch(new RegExp(`^event_service_group_retried_total${labels} 3$`, 'm'))
    expect(text).toMatch(new RegExp(`^event_service_group_claimed_total${labels} 1$`, 'm'))
    expect(text).toMatch(
      /^event_service_dead_lettered_total\{group="desk",event_type="trading_signal",kind="exhausted"\} 1$/m
    )
    expect(text).toMatch(new RegExp(`^event_service_handling_duration_seconds_count${labels} 7$`, 'm'))
    return true
  })
})

test.each(LOGS)('what is pulled is counted likewise, and how its group stands is shown, over %s', async (kind) => {
  const { url, system } = await serviceOver(kind, { STREAM_MONITOR_INTERVAL: '1' })
  for (const symbol of ['A', 'B', 'C', 'D', 'E']) await post(`${url}/events`, signal(symbol))
  const desk = `${url}/groups/desk`
  const { body } = await post(`${desk}/pull`, { from: 'start', max: 4, consumer: 'py-1', lease_ms: 60_000 })
  const [done, again, never] = body.deliveries.map((delivery: { delivery_id: string }) => delivery.delivery_id)
  await post(`${desk}/ack`, { delivery_ids: [done] })
  await post(`${desk}/nack`, { delivery_ids: [again], reason: 'no margin', delay_ms: 60_000 })
  await post(`${desk}/nack`, { delivery_ids: [never], reason: 'no such account', reject: true })
  await waitFor(async () => {
    const { text } = await get(`${url}/metrics`)
    expect(text).toMatch(new RegExp(`^event_service_group_consumed_total${labels} 1$`, 'm'))
    expect(text).toMatch(new RegExp(`^event_service_group_failed_total${labels} 2$`, 'm'))
    expect(text).toMatch(new RegExp(`^event_service_group_retried_total${labels} 1$`, 'm'))
    expect(text).toMatch(/^event_service_group_pending\{group="desk"\} 2$/m)
    expect(text).toMatch(/^event_service_group_retrying\{group="desk"\} 1$/m)
    expect(text).toMatch(/^event_service_group_lag\{group="desk"\} 1$/m)
    expect(text).toMatch(/^event_service_group_members\{group="desk"\} 1$/m)
    const { lagMs, oldestPendingMs } = await system.groups.get('desk')
    for (const [name, ms] of [
      ['lag', lagMs],
      ['oldest_pending', oldestPendingMs ?? 0]
    ] as const) {
      const [, seconds] =
        new RegExp(`^event_service_group_${name}_seconds\\{group="desk"\\} (.+)$`, 'm').exec(text) ?? []
      expect(Number(seconds)).toBeGreaterThan(0)
      expect(Number(seconds)).toBeLessThanOrEqual(ms / 1000)
    }
    return true
  })
  await system.storage.queue('desk').destroy()
  await waitFor(async () => !(await get(`${url}/metrics`)).text.includes('event_service_group_pending{'))
})

test('health over HTTP says which group is beyond a bound, and stays 200', async () => {
  const { url, system } = await serviceOver('sqlite', { EVENT_HEALTH_MAX_LAG_MS: '1' })
  expect((await get(`${url}/health`)).body).toMatchObject({ status: 'healthy', reasons: [] })
  await system.storage.queue('desk').create('start')
  await post(`${url}/events`, signal())
  const { status, body } = await waitFor(
    async () => {
      const answer = await get(`${url}/health`)
      return answer.body.status === 'degraded' && answer
    },
    { timeoutMs: 10_000 }
  )
  expect(status).toBe(200)
  expect(body.reasons).toEqual([expect.stringMatching(/^The group desk lags .* s behind, more than 0\.$/)])
})
