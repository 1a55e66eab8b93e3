import fc from 'fast-check'

/** A request, as bytes; nothing of it need be right. */
export interface FuzzedRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

const PATHS = [
  '/events',
  '/events/batch',
  '/events/market-data',
  '/events/trading-signal',
  '/events/portfolio-update',
  '/events/replay',
  '/events/stream',
  '/events/stats',
  '/events/types',
  '/events/trim',
  '/events/1-0',
  '/events/1-0/lineage',
  '/versions',
  '/versions/events',
  '/groups',
  '/groups/g',
  '/groups/g/pull',
  '/groups/g/ack',
  '/groups/g/extend',
  '/groups/g/nack',
  '/groups/g/seek',
  '/dead-letters',
  '/dead-letters/1-0',
  '/dead-letters/1-0/requeue',
  '/dead-letters/1-0/discard',
  '/dead-letters/requeue',
  '/keys',
  '/keys/x/rotate',
  '/health',
  '/metrics',
  '/'
]
const PARAMETERS = [
  'event_type',
  'symbol',
  'start_time',
  'end_time',
  'after',
  'limit',
  'speed',
  'stream_key',
  'expected_version',
  'from_version',
  'group',
  'kind',
  '__proto__',
  'constructor'
]
const HEADERS = [
  'accept',
  'content-type',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'last-event-id',
  'prefer',
  'authorization',
  'x-api-key',
  'x-forwarded-for',
  'forwarded',
  'host',
  'cookie',
  'expect',
  'upgrade',
  'range',
  'te'
]
const FIELDS = [
  'event_type',
  'event_id',
  'timestamp',
  'source',
  'data',
  'metadata',
  'symbol',
  'market_data',
  'signal',
  'updates',
  'max',
  'event_types',
  'consumer',
  'lease_ms',
  'max_attempts',
  'from',
  'delivery_ids',
  'reason',
  'delay_ms',
  'reject',
  'by',
  'to',
  'max_age_ms',
  'max_length',
  'dry_run',
  'name',
  'scopes',
  'expires_at',
  'start_time',
  'speed',
  '__proto__',
  'constructor'
]
const VALUES = [
  'trading_signal',
  'system_health',
  '1-0',
  '0-0',
  'start',
  'new',
  'max',
  '0',
  '-1',
  '1e309',
  '9007199254740993',
  '*',
  '',
  '2026-11-23T08:49:10Z',
  '9999-12-31T23:59:60+14:00',
  'respond-async',
  'application/json',
  'application/x-ndjson',
  'text/event-stream',
  'chunked',
  'gzip',
  '100-continue',
  'Bearer x',
  'Basic eDp5',
  'BTC/USDT',
  '%00',
  '%ff',
  '..',
  '\ud800'
]

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 })
)
const value = fc.oneof(
  text,
  fc.jsonValue(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), text), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
)
const object = fc.dictionary(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...FIELDS) }, text), value, {
  maxKeys: 6
})
/** Near enough to what is right that it comes far. */
const event = fc.record(
  {
    event_type: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('trading_signal', 'system_health', 'market_data_update') },
      text
    ),
    event_id: text,
    timestamp: fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      value
    ),
    source: fc.oneof(text, value),
    data: fc.oneof(
      fc.record(
        { symbol: value, signal: fc.constantFrom('BUY', 'SELL', 'x'), confidence: value },
        { requiredKeys: [] }
      ),
      value
    ),
    metadata: value
  },
  { requiredKeys: ['event_type'] }
)

/** Bytes of a text, some of them changed, left out or doubled. */
function damaged(whole: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 4 }))
  return fc.tuple(whole, fc.array(change, { maxLength: 3 })).map(([bytes, changes]) =>
    changes.reduce((result, [place, removed, inserted]) => {
      const at = place % (result.length + 1)
      return Buffer.concat([result.subarray(0, at), inserted, result.subarray(at + removed)])
    }, bytes)
  )
}

const json = (of: fc.Arbitrary<unknown>) => of.map((one) => Buffer.from(JSON.stringify(one) ?? ''))
export const eventBytes = fc.oneof(
  { weight: 3, arbitrary: damaged(json(event)) },
  json(event),
  json(value),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
)
const body = fc.oneof(
  eventBytes,
  json(object),
  json(fc.array(event, { maxLength: 4 })),
  damaged(json(object)),
  fc.array(json(event), { maxLength: 4 }).map((lines) => Buffer.from(lines.join('\n')))
)

const encoded = fc.oneof(
  text.map((one) => encodeURIComponent(one.toWellFormed())),
  fc.string({ maxLength: 10 })
)
const query = fc
  .array(fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PARAMETERS) }, encoded), encoded), {
    maxLength: 4
  })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([name, one]) => `${name}=${one}`).join('&')}`))
const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PATHS) },
  fc.tuple(fc.constantFrom(...PATHS), encoded).map(([begin, end]) => `${begin}/${end}`),
  fc.string({ maxLength: 20 })
)
const header = fc.tuple(
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...HEADERS) }, fc.string({ maxLength: 12 })),
  fc.oneof(text, fc.string({ unit: 'binary-ascii', maxLength: 20 }))
)

/** What a header of the body's type is mostly like: else no body would come far. */
const types = fc.constantFrom('application/json', 'application/json', 'application/x-ndjson')

export const requests: fc.Arbitrary<FuzzedRequest> = fc
  .tuple(
    fc.constantFrom('POST', 'POST', 'POST', 'GET', 'GET', 'DELETE', 'PATCH', 'PUT', 'HEAD', 'OPTIONS'),
    path,
    query,
    types,
    fc.array(header, { maxLength: 3 }),
    body
  )
  .map(([method, begin, rest, type, headers, bytes]) => ({
    method,
    target: begin + rest,
    headers: [['content-type', type], ...headers],
    body: method === 'GET' || method === 'HEAD' ? Buffer.alloc(0) : bytes
  }))
