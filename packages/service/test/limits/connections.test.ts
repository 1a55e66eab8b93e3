import { once } from 'node:events'
import type { Socket } from 'node:net'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, test } from 'vitest'
import { answersIn, connectTo, rawRequest, sendRaw } from '../http/support/raw-request.ts'
import { get, post, serviceOver, signal } from '../http/support/test-service.ts'

const SHORT = { EVENT_HEADERS_TIMEOUT_MS: '1000', EVENT_REQUEST_TIMEOUT_MS: '2000' }

test('1,000 half-open connections leave the service answering others quickly, and are gone after the timeout', async () => {
  const { url } = await serviceOver('sqlite', { ...SHORT, EVENT_HEADERS_TIMEOUT_MS: '2000' })
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => connectTo(url)))
  const open = new Set<Socket>(sockets)
  for (const [i, socket] of sockets.entries()) {
    socket.resume()
    socket.once('close', () => open.delete(socket))
    // A third says nothing, a third half of a head, a third half of a body.
    if (i % 3 === 1) socket.write('POST /events HTTP/1.1\r\nHost: localh')
    if (i % 3 === 2)
      socket.write('POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"')
  }
  const startedAt = performance.now()
  expect((await post(`${url}/events`, signal())).status).toBe(200)
  expect((await get(`${url}/events`)).body.count).toBe(1)
  expect(performance.now() - startedAt).toBeLessThan(10_000)

  await waitFor(() => open.size === 0, { what: 'an end of all of them' })

  expect((await get(`${url}/events`)).body.count).toBe(1)
})

test('a head and a body that trickle are answered with 408 when their time is over', async () => {
  const { url } = await serviceOver('sqlite', SHORT)
  const trickle = async (beginning: string) => {
    const socket = await connectTo(url)
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.write(beginning)
    const dripping = setInterval(() => socket.write('1'), 100)
    await once(socket, 'close')
    clearInterval(dripping)
    return answersIn(text)
  }
  const head = trickle('POST /events HTTP/1.1\r\nHost: a\r\nX-Long: ')
  const body = trickle(
    'POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n'
  )

  for (const answers of [await head, await body]) {
    expect(answers.map(({ status }) => status)).toEqual([408])
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({
      status: 408,
      detail: expect.stringMatching(/in time \(EVENT_HEADERS/)
    })
  }
  expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
})

test('an address with as many connections as it may is told so, and may come again when one is closed', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_CONNECTIONS_PER_ADDRESS: '2' })
  const [first] = [await connectTo(url), await connectTo(url)]
  const [refused] = await sendRaw(url, '')

  expect(refused?.status).toBe(429)
  expect(JSON.parse(refused?.body ?? '')).toMatchObject({
    code: 'rate_limited',
    detail: expect.stringMatching(/^Your address \(127\.0\.0\.1\) has 2 connections.*EVENT_MAX_CONNECTIONS_PER_ADDRESS/)
  })
  first?.destroy()
  await waitFor(async () => (await sendRaw(url, rawRequest('GET /health')))[0]?.status === 200)
})

test('more connections than there may be in all are closed, counted, and others go on', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_CONNECTIONS: '2' })
  const kept = await connectTo(url)
  const other = await connectTo(url)
  expect(await sendRaw(url, rawRequest('GET /health'))).toEqual([])

  let text = ''
  kept.on('data', (bytes) => {
    text += bytes
  })
  kept.write(rawRequest('GET /metrics'))
  await once(kept, 'close')

  expect(text).toMatch(/event_service_rate_limited_total\{limit="connections"\} [1-9]/)
  expect(other.destroyed).toBe(false)
})

test.each([
  [
    'a URL of more than 8,192 characters',
    rawRequest(`GET /events?symbol=${'x'.repeat(8_200)}`),
    414,
    /^The URL has 8215 characters, more than 8192/
  ],
  [
    'more than 100 headers',
    rawRequest(
      'GET /events',
      Array.from({ length: 99 }, (_, i) => `X-${i}: 1`)
    ),
    431,
    /more than 100 headers/
  ],
  [
    'a head of more than 16 KiB',
    rawRequest('GET /events', [`X: ${'x'.repeat(17_000)}`]),
    431,
    /headers of the request are too large/
  ],
  [
    'more than 100 values of a parameter',
    rawRequest(`GET /events?${'event_type=*&'.repeat(101)}`),
    400,
    /event_type must /
  ]
])('%s is refused', async (_what, request, status, detail) => {
  const { url } = await serviceOver()
  const [answer] = await sendRaw(url, request)

  expect(answer?.status).toBe(status)
  expect(answer?.head).toContain('application/problem+json')
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status, detail: expect.stringMatching(detail) })
})

test('98 headers and a URL of 8,192 characters are no more than there may be', async () => {
  const { url } = await serviceOver()
  const path = `/events?symbol=${'x'.repeat(8_192 - '/events?symbol='.length)}`
  const [answer] = await sendRaw(
    url,
    rawRequest(
      `GET ${path}`,
      Array.from({ length: 98 }, (_, i) => `X-${i}: 1`)
    )
  )
  expect(answer?.status).toBe(200)
})

test.each([
  ['EVENT_LIMIT_REQUESTS_PER_SECOND', '0', /EVENT_LIMIT_REQUESTS_PER_SECOND must be at least 1, got 0/],
  ['EVENT_LIMIT_BURST_SECONDS', '61', /EVENT_LIMIT_BURST_SECONDS must be a whole number from 1 to 60/],
  [
    'EVENT_REQUEST_TIMEOUT_MS',
    '5000',
    /EVENT_REQUEST_TIMEOUT_MS must not be less than EVENT_HEADERS_TIMEOUT_MS, got 5000 and 10000/
  ],
  ['EVENT_MAX_CONNECTIONS_PER_ADDRESS', '0', /without it there is no limit/]
])('%s=%s is refused at the start', async (variable, value, sentence) => {
  await expect(serviceOver('sqlite', { [variable]: value })).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringMatching(sentence)
  })
})
