import { waitFor } from '@tradpal/event-system/testing'
import { expect, test } from 'vitest'
import { get, post, serviceOver, signal } from './support/test-service.ts'

test('GET /openapi.json describes every endpoint, its bodies included, and /docs shows it', async () => {
  const { url } = await serviceOver()

  const { paths, components, openapi } = (await get(`${url}/openapi.json`)).body
  const page = await get(`${url}/docs`)

  const operations = Object.entries(paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)
  )
  expect(operations.filter((operation) => !operation.startsWith('HEAD')).sort()).toEqual([
    'DELETE /dead-letters/{id}',
    'DELETE /groups/{group}',
    'DELETE /keys/{id}',
    'GET /',
    'GET /audit',
    'GET /audit/head',
    'GET /audit/verification',
    'GET /dead-letters',
    'GET /dead-letters/actions',
    'GET /dead-letters/causes',
    'GET /dead-letters/{id}',
    'GET /events',
    'GET /events/rates',
    'GET /events/stats',
    'GET /events/stream',
    'GET /events/types',
    'GET /events/{message_id}',
    'GET /events/{message_id}/lineage',
    'GET /groups',
    'GET /groups/{group}',
    'GET /health',
    'GET /keys',
    'GET /metrics',
    'GET /openapi.json',
    'GET /versions',
    'GET /versions/events',
    'PATCH /groups/{group}',
    'POST /dead-letters/requeue',
    'POST /dead-letters/{id}/requeue',
    'POST /delivery-key/rotate',
    'POST /events',
    'POST /events/batch',
    'POST /events/market-data',
    'POST /events/portfolio-update',
    'POST /events/replay',
    'POST /events/trading-signal',
    'POST /events/trim',
    'POST /groups/{group}/ack',
    'POST /groups/{group}/extend',
    'POST /groups/{group}/nack',
    'POST /groups/{group}/pull',
    'POST /groups/{group}/seek',
    'POST /keys',
    'POST /keys/{id}/rotate'
  ])
  expect(openapi).toBe('3.1.0')
  const { schema } = paths['/events'].post.requestBody.content['application/json']
  expect(schema).toEqual({ $ref: '#/components/schemas/PublishRequest' })
  expect(components.schemas.PublishRequest.required).toEqual(['event_type'])
  expect(Object.keys(paths['/events/batch'].post.requestBody.content)).toEqual([
    'application/json',
    'application/x-ndjson'
  ])
  expect(page).toMatchObject({ status: 200, text: expect.stringMatching(/<html/) })
  expect((await get(`${url}/docs/static/swagger-ui-bundle.js`)).status).toBe(200)
})

test('GET / tells a person and a program what runs here', async () => {
  const { url, system } = await serviceOver()

  const page = await get(url, { headers: { accept: 'text/html,*/*' } })
  const { body } = await get(url)

  expect(page.headers.get('content-type')).toMatch('text/html')
  expect(page.text).toContain(system.storage.location)
  expect(page.text).toContain('href="./docs"')
  expect(page.text).toContain(`curl ${url}/events`)
  expect(body).toMatchObject({ service: 'event_service', version: expect.any(String), log: { kind: 'sqlite' } })
})

test('GET /metrics has the four series under their names, latencies, errors by code and the process', async () => {
  const { url } = await serviceOver('sqlite', { METRICS_UPDATE_INTERVAL: '1', STREAM_MONITOR_INTERVAL: '1' })
  await post(`${url}/events`, { ...signal(), event_id: 'a' })
  await post(`${url}/events`, { ...signal(), event_id: 'a' })
  await post(`${url}/events`, { event_type: 'nope' })

  const { headers, text } = await get(`${url}/metrics`)

  expect(headers.get('content-type')).toMatch('text/plain')
  expect(text).toMatch(/^event_service_events_published_total\{event_type="trading_signal"\} 1$/m)
  expect(text).toMatch(/^event_service_events_consumed_total\{event_type="trading_signal"\} 0$/m)
  expect(text).toMatch(/^event_service_active_subscribers 0$/m)
  expect(text).toMatch(/^event_service_stream_length \d+$/m)
  expect(text).toMatch(/^event_service_publish_duration_seconds_count 2$/m)
  expect(text).toMatch(/^event_service_delivery_latency_seconds_count 0$/m)
  expect(text).toMatch(/^event_service_errors_total\{code="unknown_event_type"\} 1$/m)
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
  await waitFor(async () => /^event_service_stream_length 1$/m.test((await get(`${url}/metrics`)).text))
})

test('consumers in the process count as consumed, and as subscribers at the next refresh; another system in it does not', async () => {
  const { url, system } = await serviceOver('sqlite', { METRICS_UPDATE_INTERVAL: '1' })
  const other = await serviceOver()
  system.registerHandler('*', () => {})
  await system.startConsuming({ group: 'brokers', from: 'start' })

  await post(`${url}/events`, signal())
  await post(`${other.url}/events`, signal())

  await waitFor(async () => {
    const { text } = await get(`${url}/metrics`)
    expect(text).toMatch(/^event_service_events_published_total\{event_type="trading_signal"\} 1$/m)
    expect(text).toMatch(/^event_service_events_consumed_total\{event_type="trading_signal"\} 1$/m)
    expect(text).toMatch(/^event_service_delivery_latency_seconds_count 1$/m)
    expect(text).toMatch(/^event_service_active_subscribers 1$/m)
    return true
  })
})
