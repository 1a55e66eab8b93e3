import { expect } from 'vitest'
import { sendRaw } from '../http/support/raw-request.ts'
import { get, post, serviceOver } from '../http/support/test-service.ts'

/** Publishes an order that says two things: what a proxy or a risk check before the service reads is not what is stored. */
export async function orderSaidTwice(): Promise<void> {
  const { url } = await serviceOver()
  const order = '{"symbol":"BTC/USDT","signal":"SELL","signal":"BUY"}'
  const json = { 'content-type': 'application/json' }
  const event = `{"event_type":"trading_signal","data":${order}}`

  const answers = [
    await post(`${url}/events`, event, json),
    await post(
      `${url}/events`,
      '{"event_type":"system_health","event_type":"trading_signal","data":{"symbol":"A","signal":"BUY"}}',
      json
    ),
    await post(`${url}/events/batch`, `[${event}]`, json),
    await post(`${url}/events/batch`, `${event}\n`, { 'content-type': 'application/x-ndjson' }),
    await post(`${url}/events/trading-signal`, `{"signal":${order}}`, json)
  ]

  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
  expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
}

/** Asks two hosts at once: of one that a proxy lets through, and of another. */
export async function hostSaidTwice(): Promise<void> {
  const { url } = await serviceOver()
  const event = '{"event_type":"system_health"}'
  const [answer] = await sendRaw(
    url,
    `POST /events HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${event.length}\r\n\r\n${event}`
  )

  expect(answer?.status).toBe(400)
  expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
}
