import { once } from 'node:events'
import { connect } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { get, madeForTheFile, post, serviceOver, signal } from './support/test-service.ts'

/** One for all: what is refused leaves it as it was. */
const service = madeForTheFile((atEnd) => serviceOver('sqlite', { EVENT_MAX_BODY_BYTES: '100000' }, {}, atEnd))
let url: string
beforeAll(async () => {
  url = (await service()).url
})

const json = { 'content-type': 'application/json' }

test.each<[what: string, path: string, body: unknown, status: number, code: string, detail: RegExp, more?: object]>([
  ['malformed JSON', '/events', '{"event_type": ', 400, 'invalid_json', /not JSON/],
  ['an empty body', '/events', '', 400, 'invalid_json', /body is empty/],
  ['an array for an event', '/events', [], 400, 'invalid_event', /must be a JSON object/],
  ['no event type', '/events', {}, 400, 'invalid_event', /event_type is missing/, { pointer: '/event_type' }],
  [
    'an unknown type',
    '/events',
    { event_type: 'trading_signl' },
    400,
    'unknown_event_type',
    /"trading_signl".*trading_signal/,
    { pointer: '/event_type' }
  ],
  [
    'what its schema refuses',
    '/events',
    signal('', {}),
    400,
    'invalid_data',
    /data\.symbol/,
    { pointer: '/data/symbol' }
  ],
  [
    'a wrong timestamp',
    '/events',
    { ...signal(), timestamp: 'today' },
    400,
    'invalid_event',
    /timestamp/,
    { pointer: '/timestamp' }
  ],
  [
    'a decimal that a double cannot hold',
    '/events',
    '{"event_type":"risk_alert","data":{"message":"m","n":0.12345678901234567}}',
    400,
    'not_representable',
    /data\.n is 0\.12345678901234567/,
    { pointer: '/data/n' }
  ],
  [
    'a decimal that a double cannot hold in a convenience',
    '/events/portfolio-update',
    '{"updates":{"n":0.12345678901234567}}',
    400,
    'not_representable',
    /0\.12345678901234567/,
    { pointer: '/updates/n' }
  ],
  [
    'no market data',
    '/events/market-data',
    { symbol: 'A' },
    400,
    'invalid_event',
    /market_data must be an object/,
    { pointer: '/market_data' }
  ],
  [
    'no symbol',
    '/events/market-data',
    { market_data: { price: 1 } },
    400,
    'invalid_event',
    /symbol must be a text/,
    { pointer: '/symbol' }
  ],
  [
    'a wrong price',
    '/events/market-data',
    { symbol: 'A', market_data: { price: 'x' } },
    400,
    'invalid_data',
    /market_data\.price/,
    { pointer: '/market_data/price' }
  ],
  [
    'a wrong signal',
    '/events/trading-signal',
    { signal: { symbol: 'A', signal: 'WAIT' } },
    400,
    'invalid_data',
    /signal\.signal/,
    { pointer: '/signal/signal' }
  ],
  [
    'a source that is no text',
    '/events/trading-signal',
    { signal: { symbol: 'A', signal: 'BUY' }, source: 5 },
    400,
    'invalid_event',
    /source must be a text/,
    { pointer: '/source' }
  ],
  [
    'a batch with a wrong event',
    '/events/batch',
    [signal(), { event_type: 'nope' }],
    400,
    'unknown_event_type',
    /Event 1/,
    { index: 1, pointer: '/1/event_type' }
  ],
  ['a batch that is no array', '/events/batch', signal(), 400, 'invalid_event', /must be a JSON array/],
  [
    'a body beyond the limit',
    '/events',
    signal('A', { note: 'x'.repeat(100_001) }),
    413,
    'payload_too_large',
    /100000 bytes of EVENT_MAX_BODY_BYTES/
  ],
  [
    'an expected version of nothing',
    '/events?expected_version=0',
    signal('A'),
    400,
    'invalid_argument',
    /^expected_version is the version of a stream_key/
  ],
  [
    'a replay that contradicts itself',
    '/events/replay?event_type=risk_alert',
    { event_type: 'trading_signal' },
    400,
    'invalid_argument',
    /event_type is given twice/
  ],
  [
    'a replay of an unknown field',
    '/events/replay',
    { simbol: 'A' },
    400,
    'invalid_argument',
    /"simbol" that POST \/events\/replay does not take/
  ],
  [
    'a replay at no speed',
    '/events/replay?speed=0',
    undefined,
    400,
    'invalid_argument',
    /speed must be a number above 0, or max, got "0"/
  ],
  [
    'a replay whose start is after its end',
    '/events/replay',
    { start_time: '2026-01-02T00:00:00Z', end_time: '2026-01-01T00:00:00Z' },
    400,
    'invalid_argument',
    /start_time .* is after end_time/
  ],
  [
    'an unknown query on a publish',
    '/events?dry_run=1',
    signal(),
    400,
    'invalid_argument',
    /"dry_run".*takes stream_key, expected_version/
  ],
  ['an unknown dead letter', '/dead-letters/77/requeue', undefined, 404, 'not_found', /77/]
])('POST refuses %s', async (_what, path, body, status, code, detail, more = {}) => {
  const answer = await post(`${url}${path}`, body, body === '' ? json : {})

  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({
    status,
    code,
    detail: expect.stringMatching(detail),
    instance: path,
    type: expect.any(String),
    title: expect.any(String),
    ...more
  })
  expect(answer.status).toBe(status)
  expect(answer.text).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/)
  expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
})

test.each<[what: string, path: string, status: number, code: string, detail: RegExp]>([
  ['a limit of 0', '/events?limit=0', 400, 'invalid_argument', /limit must be >= 1, got 0/],
  ['a limit of 1001', '/events?limit=1001', 400, 'invalid_argument', /limit must be <= 1000, got 1001/],
  ['a limit that is no number', '/events?limit=ten', 400, 'invalid_argument', /limit must be integer, got "ten"/],
  [
    'an unknown field',
    '/events?event_typ=x',
    400,
    'invalid_argument',
    /"event_typ".*did you mean event_type\? It takes event_type, symbol, symbols, start_time/
  ],
  ['an unknown field where there is none', '/events/types?all=1', 400, 'invalid_argument', /"all".*takes none/],
  ['an empty filter', '/events?event_type=', 400, 'invalid_argument', /event_type must /],
  ['an unknown type', '/events?event_type=nope', 400, 'unknown_event_type', /"nope"/],
  [
    'a start after the end',
    '/events?start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z',
    400,
    'invalid_argument',
    /start_time .* is after end_time/
  ],
  [
    'a start that is no time',
    '/events?start_time=yesterday',
    400,
    'invalid_argument',
    /start_time must be a date and a time.*"yesterday"/
  ],
  [
    'a start and an after',
    '/events?start_time=2026-01-01T00:00:00Z&after=1-0',
    400,
    'invalid_argument',
    /exclude each other/
  ],
  ['an after that is no message id', '/events?after=abc', 400, 'invalid_message_id', /abc/],
  ['what is no message id', '/events/abc', 400, 'invalid_message_id', /abc/],
  ['a message id that is not there', '/events/1-0', 404, 'not_found', /1-0/],
  ['the lineage of what is not there', '/events/1-0/lineage', 404, 'not_found', /1-0/],
  ['a stream of an unknown type', '/events/stream?event_type=nope', 400, 'unknown_event_type', /"nope"/],
  ['a stream behind what is no message id', '/events/stream?after=abc', 400, 'invalid_message_id', /abc/],
  ['a path that is not there', '/nothing', 404, 'not_found', /There is no GET \/nothing/],
  ['a path that is no path', '/events/%zz', 400, 'invalid_argument', /%zz/]
])('GET refuses %s', async (_what, path, status, code, detail) => {
  const answer = await get(`${url}${path}`)

  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({ status, code, detail: expect.stringMatching(detail), instance: path })
  expect(answer.status).toBe(status)
})

test.each([
  ['/events', 'text/plain', /application\/json, got text\/plain/],
  ['/events', 'application/x-ndjson', /application\/json, got application\/x-ndjson/],
  ['/events/batch', 'text/csv', /application\/json or application\/x-ndjson, got text\/csv/],
  ['/events/replay', 'application/x-www-form-urlencoded', /application\/json, got/]
])('%s refuses the content type %s with 415', async (path, type, detail) => {
  const answer = await post(`${url}${path}`, JSON.stringify(signal()), { 'content-type': type })

  expect(answer).toMatchObject({
    status: 415,
    body: { code: 'unsupported_media_type', detail: expect.stringMatching(detail) }
  })
})

test('bytes that are no UTF-8 are refused, not replaced', async () => {
  const body = Buffer.concat([
    Buffer.from('{"event_type":"risk_alert","data":{"message":"'),
    Buffer.from([0xff]),
    Buffer.from('"}}')
  ])

  const answer = await get(`${url}/events`, { method: 'POST', headers: json, body })

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_json', detail: expect.stringMatching(/UTF-8/) } })
})

test('a batch of more than 10,000 events is refused with 413, and the limit is named', async () => {
  const large = await serviceOver('sqlite')
  const event = '{"event_type":"system_health"}'
  const lines = `${event}\n`.repeat(10_001)

  const answer = await post(`${large.url}/events/batch`, lines, { 'content-type': 'application/x-ndjson' })

  expect(answer).toMatchObject({
    status: 413,
    body: { code: 'payload_too_large', detail: expect.stringMatching(/at most 10000 events, got 10001/) }
  })
})

test('a line of NDJSON that is wrong is named by its index and line, and nothing is appended', async () => {
  const body = `${JSON.stringify(signal())}\n\n{"event_type":"trading_signal","data":{"symbol":""}}\n`

  const answer = await post(`${url}/events/batch`, body, { 'content-type': 'application/x-ndjson' })

  expect(answer.body).toMatchObject({ code: 'invalid_data', index: 1, detail: expect.stringMatching(/line 3/) })
  expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
})

test('a method that a path does not take is answered with 405 and those that it takes', async () => {
  const answer = await get(`${url}/events/replay`, { method: 'DELETE' })
  const withParameter = await get(`${url}/events/1-0`, { method: 'PUT' })

  expect(answer).toMatchObject({ status: 405, body: { status: 405, detail: expect.stringMatching(/not DELETE/) } })
  expect(answer.headers.get('allow')).toContain('POST')
  expect(withParameter.headers.get('allow')).toBe('GET, HEAD')
})

test('HEAD is answered like GET, without the body', async () => {
  const [found, missing, stream] = await Promise.all(
    ['/health', '/events/1-0', '/events/stream'].map((path) => get(`${url}${path}`, { method: 'HEAD' }))
  )

  expect(found).toMatchObject({ status: 200, text: '' })
  expect(missing).toMatchObject({ status: 404, text: '' })
  expect(missing?.headers.get('content-type')).toBe('application/problem+json')
  expect(stream?.headers.get('content-type')).toMatch('text/event-stream')
})

test('double and trailing slashes lead to the same place', async () => {
  const { url } = await serviceOver('sqlite')
  await post(`${url}//events`, signal())

  expect((await get(`${url}/events/`)).body.count).toBe(1)
})

test('what is no HTTP is answered with a problem document, and the connection is closed', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  socket.write('HELLO\r\n\r\n')
  await once(socket, 'close')

  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toContain('application/problem+json')
})
