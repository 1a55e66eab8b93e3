import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventClient } from '@tradpal/event-client'
import { createEvent, type StreamEvent } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RunningService } from '../../src/index.ts'
import { temporaryFolder } from '../cli/support/command.ts'
import { guardedService } from './access/support.ts'
import { get, LOGS, type LogKind, post, serviceOver, signal } from './support/test-service.ts'

const price = { event_type: 'market_data_update', source: 'all', data: { symbol: 'BTC/USDT', price: 1, volume: 1 } }

async function encrypting(log: LogKind): Promise<RunningService> {
  const file = join(await temporaryFolder(), 'keys.json')
  const keys = { current: 'a', keys: { a: Buffer.alloc(32, 7).toString('base64') } }
  await writeFile(file, JSON.stringify(keys), { mode: 0o600 })
  return serviceOver(log, { EVENT_ENCRYPTION_KEYS_FILE: file })
}

const SERVICES = { plain: (log: LogKind) => serviceOver(log), encrypted: encrypting } as const
const versionsOf = (body: { events: { version: number }[] }) => body.events.map(({ version }) => version)

describe.each(LOGS)('GET /versions/events over %s', (log) => {
  test.each(['plain', 'encrypted'] as const)('answers the events of the key in order, in a %s log', async (how) => {
    const { url } = await SERVICES[how](log)
    const first = await post(`${url}/events?stream_key=account-7`, { ...signal('AAPL'), event_id: 'a' })
    await post(`${url}/events`, signal())
    await post(`${url}/events?stream_key=order-17`, signal())
    await post(`${url}/events?stream_key=account-7`, { ...signal('AAPL'), event_id: 'a' })
    const second = await post(`${url}/events?stream_key=account-7`, signal('MSFT'))
    const { status, body } = await get(`${url}/versions/events?stream_key=account-7`)
    expect(status).toBe(200)
    expect(body).toEqual({
      stream_key: 'account-7',
      events: [first, second].map(({ body: { message_id, event_id } }, i) => ({
        message_id,
        version: i + 1,
        event_id,
        timestamp: expect.any(String),
        metadata: {},
        ...signal(i === 0 ? 'AAPL' : 'MSFT')
      })),
      count: 2
    })
    const none = { stream_key: 'account-8', events: [], count: 0 }
    expect((await get(`${url}/versions/events?stream_key=account-8`)).body).toEqual(none)
  })

  test('goes page by page: a full page says where the next begins', async () => {
    const { url } = await serviceOver(log)
    const at = (query: string) => get(`${url}/versions/events?stream_key=account-7&${query}`)
    await post(
      `${url}/events/batch?stream_key=account-7`,
      Array.from({ length: 250 }, () => signal())
    )
    const pages = [(await at('')).body]
    while (pages.at(-1).next_version !== undefined) {
      pages.push((await at(`from_version=${pages.at(-1).next_version}`)).body)
    }
    expect(pages.map(({ count }) => count)).toEqual([100, 100, 50])
    expect(pages.flatMap(versionsOf)).toEqual(Array.from({ length: 250 }, (_, i) => i + 1))
    expect((await at('from_version=249&limit=2')).body).toMatchObject({ count: 2, next_version: 251 })
    expect((await at('from_version=251')).body).toEqual({ stream_key: 'account-7', events: [], count: 0 })
    expect((await at('limit=1000')).body).toMatchObject({ count: 250 })
  })

  test('leaves out what was trimmed', async () => {
    const { url } = await serviceOver(log)
    await post(`${url}/events/batch?stream_key=account-7`, [signal(), signal(), signal()])
    await post(`${url}/events/trim`, { max_length: 1 })
    expect(versionsOf((await get(`${url}/versions/events?stream_key=account-7`)).body)).toEqual([3])
  })

  test('shows each caller the events of the types that it may read, and counts them alone for the page', async () => {
    const { as } = await guardedService(log)
    const all = await as('all', ['*'])
    const batch = [price, { ...signal(), source: 'all' }, price, { ...signal(), source: 'all' }, price]
    await all.post('/events/batch?stream_key=account-7', batch)
    const some = await as('some', ['read:trading_*'])
    const path = '/versions/events?stream_key=account-7'
    expect(versionsOf((await all.get(path)).body)).toEqual([1, 2, 3, 4, 5])
    expect(versionsOf((await some.get(path)).body)).toEqual([2, 4])
    const page = (await some.get(`${path}&limit=1`)).body
    expect(page).toMatchObject({ events: [{ version: 2 }], next_version: 3 })
    const publisher = await as('publisher', ['publish:*', 'stream:account-7'])
    expect(await publisher.get(path)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })

  test('takes a key of any characters that are no control characters', async () => {
    const { url } = await serviceOver(log)
    for (const key of ['a/b?c&d', '🏦'.repeat(200), '..', ' ']) {
      const query = new URLSearchParams({ stream_key: key })
      await post(`${url}/events?${query}`, signal())
      expect((await get(`${url}/versions/events?${query}`)).body).toMatchObject({ stream_key: key, count: 1 })
    }
  })

  test.each([
    '',
    'stream_key=',
    'stream_key=%00',
    `stream_key=${'k'.repeat(201)}`,
    'stream_key=a&stream_key=b',
    'stream_key=a&from_version=0',
    'stream_key=a&from_version=-1',
    'stream_key=a&from_version=1.5',
    'stream_key=a&from_version=9007199254740993',
    'stream_key=a&from_version=one',
    'stream_key=a&limit=0',
    'stream_key=a&limit=1001',
    'stream_key=a&event_type=trading_signal',
    'streamKey=a'
  ])('?%s is refused with 400', async (query) => {
    const { url } = await serviceOver(log)
    expect(await get(`${url}/versions/events?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument' }
    })
  })

  test('the client reads the stream, however long, in the form of the library, and from a version on', async () => {
    const { url } = await serviceOver(log)
    const client = new EventClient({ url })
    onTestFinished(() => client.close())
    const events = Array.from({ length: 1_500 }, (_, i) =>
      createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY', price: i }, { source: 'a_test' })
    )
    const messageIds = await client.publishBatch(events, { streamKey: 'account 7/a' })
    const stream = await Array.fromAsync(client.readStream('account 7/a'))
    expect(stream).toEqual(
      events.map((event, i) => ({
        ...event,
        messageId: messageIds[i],
        valid: true,
        streamKey: 'account 7/a',
        version: i + 1
      }))
    )
    const raw: StreamEvent<true>[] = await Array.fromAsync(
      client.readStream('account 7/a', { fromVersion: 1_500, raw: true })
    )
    expect(raw).toEqual([{ ...events[1_499], messageId: messageIds[1_499], streamKey: 'account 7/a', version: 1_500 }])
    expect(await Array.fromAsync(client.readStream('account-8'))).toEqual([])
  })
})
