import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sharedInFile } from '../../../../test/support/shared-in-file.ts'
import { startService } from '../../src/index.ts'
import { watchfulLogger } from '../support/watchful-logger.ts'
import { get, signal } from './support/test-service.ts'

/** None of these requests changes anything: they share a service. */
const theService = sharedInFile(startShared, ({ close }) => close())

async function startShared() {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-answers-'))
  const service = await startService({
    environment: {
      EVENT_SERVICE_PORT: '0',
      EVENT_SERVICE_HOST: '127.0.0.1',
      EVENT_LOG_PATH: join(folder, 'events.db')
    },
    logger: watchfulLogger
  })
  const close = async () => {
    await service.close()
    await rm(folder, { recursive: true })
  }
  return { url: service.url, close }
}

const order = { event_type: 'order_executed', data: { symbol: 'A', side: 'BUY', quantity: 1, price: 1 } }

test.each<[what: string, request: string, body: unknown, detail: string | RegExp, more?: object]>([
  [
    'an unknown field of a body',
    'POST /events/trim',
    { max_lenght: 1 },
    'The body has a field "max_lenght" that this endpoint does not take; did you mean max_length? It takes max_length, max_age_ms, max_bytes, by_type, force, dry_run.',
    { pointer: '/max_lenght' }
  ],
  [
    'an unknown field inside of a body',
    'POST /events/trim',
    { by_type: { risk_alert: { age: '1d' } } },
    'by_type.risk_alert in the body has a field "age" that this endpoint does not take; it takes max_length, max_age_ms, max_bytes.',
    { pointer: '/by_type/risk_alert/age' }
  ],
  [
    'a field in camelCase in a body',
    'POST /groups/g/pull',
    { eventTypes: ['risk_alert'] },
    /has a field "eventTypes" .*; did you mean event_types\?/
  ],
  [
    'a field in camelCase in a replay',
    'POST /events/replay',
    { eventType: 'risk_alert' },
    /has a field "eventType" that POST \/events\/replay does not take; did you mean event_type\?/
  ],
  [
    'a parameter in camelCase',
    'GET /events?eventType=risk_alert',
    undefined,
    /has a parameter "eventType" .*; did you mean event_type\? It takes event_type, symbol, symbols, start_time/
  ],
  [
    'an event type in camelCase',
    'POST /events',
    { eventType: 'risk_alert' },
    'event_type is missing; "eventType" must be written event_type.'
  ],
  ['a missing parameter', 'GET /versions', undefined, 'stream_key is missing.', { pointer: '/stream_key' }],
  [
    'a beginning that is none',
    'POST /groups/g/pull',
    { from: 'beginning' },
    'from must be new, start, a position, a message id, or a time such as 2026-11-23T08:49:10Z, got "beginning".',
    { pointer: '/from' }
  ],
  [
    'a place to seek to that is none',
    'POST /groups/g/seek',
    { to: 'beginning' },
    'to must be start, end, a position, a message id, or a time such as 2026-11-23T08:49:10Z, got "beginning".',
    { pointer: '/to' }
  ],
  [
    'a signal that is none',
    'POST /events',
    signal('A', { signal: 'MAYBE' }),
    'data.signal of a trading_signal must be BUY, SELL or HOLD, got "MAYBE".'
  ],
  [
    'a side that is none',
    'POST /events',
    { ...order, data: { ...order.data, side: 'HOLD' } },
    'data.side of an order_executed must be BUY or SELL, got "HOLD".'
  ],
  [
    'several faults of an event',
    'POST /events',
    { event_type: 'trading_signal', timestamp: 'today', source: 5, data: { symbol: '', signal: 'UP', confidence: 2 } },
    /^timestamp: .*today.* source must be a text, got 5\. data\.symbol .* data\.signal .* data\.confidence .*, got 2\.$/,
    {
      code: 'invalid_event',
      pointer: '/timestamp',
      errors: [
        { pointer: '/timestamp', detail: expect.stringContaining('today') },
        { pointer: '/source', detail: 'source must be a text, got 5.' },
        { pointer: '/data/symbol', detail: expect.stringContaining('data.symbol') },
        { pointer: '/data/signal', detail: expect.stringContaining('data.signal') },
        { pointer: '/data/confidence', detail: expect.stringContaining('data.confidence') }
      ]
    }
  ],
  [
    'several faults of one event of a batch',
    'POST /events/batch',
    [signal(), { ...order, data: { symbol: 'A', side: 'BUY', quantity: 0, price: 0 } }],
    /^Event 1: data\.quantity .* data\.price /,
    {
      index: 1,
      errors: [
        { pointer: '/1/data/quantity', detail: expect.any(String) },
        { pointer: '/1/data/price', detail: expect.any(String) }
      ]
    }
  ],
  [
    'several faults of a convenience',
    'POST /events/market-data',
    { source: 5 },
    'market_data must be an object. source must be a text. symbol must be a text that is not empty.',
    { errors: [{ pointer: '/market_data' }, { pointer: '/source' }, { pointer: '/symbol' }] }
  ],
  [
    'several faults of the data of a convenience',
    'POST /events/trading-signal',
    { signal: { symbol: '', signal: 'UP' } },
    /^signal\.symbol .* signal\.signal /,
    { errors: [{ pointer: '/signal/symbol' }, { pointer: '/signal/signal' }] }
  ],
  [
    'several faults of a query',
    'GET /events?limit=0&event_type=&simbol=A',
    undefined,
    /"simbol" .*did you mean symbol\?.* event_type .*limit must be >= 1, got "0"\.$/,
    { errors: [{ pointer: '/simbol' }, { pointer: '/event_type/0' }, { pointer: '/limit' }] }
  ],
  [
    'two times that are none',
    'GET /events?start_time=yesterday&end_time=tomorrow',
    undefined,
    /start_time must be .*"yesterday"\. end_time must be .*"tomorrow"\./,
    { errors: [{ pointer: '/start_time' }, { pointer: '/end_time' }] }
  ],
  [
    'several faults of a body',
    'POST /groups/g/pull',
    { max: 0, wait_ms: -1, lease_ms: 'long' },
    /max must be >= 1, got 0\. wait_ms must be >= 0, got -1\. lease_ms must be integer, got "long"\./,
    { errors: [{ pointer: '/max' }, { pointer: '/wait_ms' }, { pointer: '/lease_ms' }] }
  ],
  [
    'a text that is too short',
    'POST /keys',
    { name: '', scopes: ['replay'] },
    'name must have at least 1 character, got "".',
    { pointer: '/name' }
  ],
  [
    'a text that is too long, of which the beginning is shown',
    'POST /keys',
    { name: 'n'.repeat(3_000), scopes: ['replay'] },
    /^name must have at most 200 characters, got "n{56}\.\.\.\.$/,
    { pointer: '/name' }
  ],
  [
    'a word of which there are two',
    'GET /events?on_gap=ignore',
    undefined,
    'on_gap must be report or error, got "ignore".',
    { pointer: '/on_gap' }
  ],
  [
    'a word of which there are several',
    'GET /dead-letters?kind=dead',
    undefined,
    'kind must be poison, invalid, rejected or exhausted, got "dead".',
    { pointer: '/kind' }
  ],
  [
    'a word in a body of which there are several',
    'POST /dead-letters/requeue',
    { kind: 'dead' },
    'kind must be poison, invalid, rejected or exhausted, got "dead".',
    { pointer: '/kind' }
  ],
  [
    'a word of which there is one',
    'GET /events/stream?events=named',
    undefined,
    'events must be unnamed, got "named".',
    { pointer: '/events' }
  ],
  [
    'prices in camelCase',
    'POST /events/market-data',
    { symbol: 'A', marketData: { price: 1 } },
    'market_data must be an object; "marketData" must be written market_data.',
    { pointer: '/market_data' }
  ],
  [
    'a lone surrogate in the name of a field',
    'POST /events',
    String.raw`{"event_type":"risk_alert","data":{"half \ud800":1}}`,
    /^data\..*half \ufffd.* has a lone surrogate/,
    { code: 'not_representable', pointer: '/data/half \ufffd' }
  ],
  [
    'a lone surrogate',
    'POST /events',
    String.raw`{"event_type":"risk_alert","data":{"message":"half \ud800"}}`,
    /data\.message .*lone surrogate/,
    { code: 'not_representable', pointer: '/data/message' }
  ]
])('%s is refused with what would be right', async (_what, request, body, detail, more = {}) => {
  const { url } = await theService()
  const [method = '', path] = request.split(' ')

  const answer = await get(`${url}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body)
    })
  })

  expect(answer.status).toBe(400)
  if (typeof detail === 'string') expect(answer.body.detail).toBe(detail)
  else expect(answer.body.detail).toMatch(detail)
  expect(answer.body).toMatchObject(more)
  if (!('errors' in more)) expect(answer.body.errors).toBeUndefined()
})

test.each([
  ['GET', '/events/replay', 'POST'],
  ['GET', '/events/replay/?speed=max', 'POST'],
  ['GET', '//events//batch', 'POST'],
  ['GET', '/events/trim', 'POST'],
  ['HEAD', '/events/market-data', 'POST'],
  ['GET', '/events/trading-signal', 'POST'],
  ['GET', '/events/portfolio-update', 'POST']
])('%s %s is a method that the path does not take, and no message id', async (method, path, allowed) => {
  const { url } = await theService()

  const answer = await get(`${url}${path}`, { method })

  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toBe(allowed)
  if (method !== 'HEAD') expect(answer.body.detail).toMatch(/ takes POST, not GET\.$/)
})

test('a query with a thousand wrong parameters is answered with ten faults', async () => {
  const { url } = await theService()
  const query = Array.from({ length: 1_000 }, (_, i) => `a${i}=1`).join('&')

  const { status, body } = await get(`${url}/events?${query}`)

  expect(status).toBe(400)
  expect(body.errors).toHaveLength(10)
})
