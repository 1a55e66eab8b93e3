import Type, { type Static } from 'typebox'
import { EventData, EventMetadata } from './events.ts'
import { closed, messageId, time } from './parts.ts'

/** A batch has at most this many events: it is one append, and one answer. */
export const MAX_BATCH = 10_000

const SIGNAL = { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.85 }

export const PublishRequest = Type.Object(
  {
    event_type: Type.String({ examples: ['trading_signal'] }),
    event_id: Type.Optional(
      Type.String({
        description:
          'Default: a new UUID. The same event again within the deduplication window is not appended; another one with the same id is refused with 409.'
      })
    ),
    timestamp: Type.Optional(time('Default: now.')),
    source: Type.Optional(Type.String({ examples: ['ml_service'] })),
    data: Type.Optional(EventData),
    metadata: Type.Optional(EventMetadata)
  },
  {
    title: 'PublishRequest',
    description: 'An event; only event_type is required.',
    // It has no event id and no stream key: published twice, it is two events, and nothing is refused.
    examples: [{ event_type: 'trading_signal', source: 'ml_service', data: SIGNAL }]
  }
)
export type PublishRequest = Static<typeof PublishRequest>

export const BatchPublishRequest = Type.Array(PublishRequest, {
  title: 'BatchPublishRequest',
  maxItems: MAX_BATCH,
  description: 'The events, in order.',
  examples: [
    [
      { event_type: 'trading_signal', source: 'ml_service', data: SIGNAL },
      { event_type: 'market_data_update', source: 'feed', data: { symbol: 'BTC/USDT', price: 45_000, volume: 100 } }
    ]
  ]
})
export type BatchPublishRequest = Static<typeof BatchPublishRequest>

/** The stream key of what is published, and the version of the key that its publisher has seen. */
export const PublishQuery = closed({
  stream_key: Type.Optional(
    Type.String({
      description:
        'The subject of the event, or of each event of the batch: 1 to 200 characters. It is counted, which takes the scope stream:<prefix>.'
    })
  ),
  expected_version: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Publishes only if the stream_key has this version; else 409.' })
  )
})
export type PublishQuery = Static<typeof PublishQuery>

export const BatchPublishQuery = closed({
  ...PublishQuery.properties,
  dry_run: Type.Optional(
    Type.Boolean({
      description: 'Only checks the events, as a publish would. It publishes nothing and answers `checked`.'
    })
  )
})
export type BatchPublishQuery = Static<typeof BatchPublishQuery>

/** Clients say with `Prefer: respond-async` (RFC 7240) that the spool will do. */
export const PublishHeaders = Type.Object({
  prefer: Type.Optional(
    Type.String({ description: '`respond-async`: where the service has a spool, 202 will do while the log is away.' })
  )
})
export type PublishHeaders = Static<typeof PublishHeaders>

export const MarketDataRequest = Type.Object(
  { symbol: Type.String(), market_data: EventData, source: Type.Optional(Type.String()) },
  {
    title: 'MarketDataRequest',
    description: 'Prices of a symbol: the data of a market_data_update.',
    examples: [{ symbol: 'BTC/USDT', market_data: { price: 45_000, volume: 100 }, source: 'feed' }]
  }
)
export type MarketDataRequest = Static<typeof MarketDataRequest>

export const TradingSignalRequest = Type.Object(
  { signal: EventData, source: Type.Optional(Type.String()) },
  {
    title: 'TradingSignalRequest',
    description: 'A signal: the data of a trading_signal.',
    examples: [{ signal: SIGNAL, source: 'ml_service' }]
  }
)
export type TradingSignalRequest = Static<typeof TradingSignalRequest>

export const PortfolioUpdateRequest = Type.Object(
  { updates: EventData, source: Type.Optional(Type.String()) },
  {
    title: 'PortfolioUpdateRequest',
    description: 'The state of a portfolio: the data of a portfolio_update.',
    examples: [{ updates: { total_value: 125_000, cash: 25_000 }, source: 'portfolio_service' }]
  }
)
export type PortfolioUpdateRequest = Static<typeof PortfolioUpdateRequest>

const version = Type.Integer({
  description:
    'With a stream_key: its version since, to be expected next. Of a duplicate the one since it was published.'
})
const timestampAhead = Type.Literal(true, {
  description: 'A timestamp is more than five minutes ahead of the clock of the service. It was published all the same.'
})

export const PublishReceipt = Type.Object(
  {
    message_id: messageId,
    event_id: Type.String(),
    status: Type.Literal('published'),
    duplicate: Type.Optional(
      Type.Literal(true, { description: 'The event id was published before: nothing was appended.' })
    ),
    version: Type.Optional(version),
    timestamp_ahead: Type.Optional(timestampAhead)
  },
  { title: 'PublishReceipt', description: 'The event is in the log.' }
)
export type PublishReceipt = Static<typeof PublishReceipt>

export const BatchReceipt = Type.Object(
  {
    status: Type.Literal('published'),
    count: Type.Integer(),
    message_ids: Type.Array(messageId, { description: 'In the order of the events.' }),
    event_ids: Type.Array(Type.String()),
    duplicates: Type.Optional(
      Type.Array(Type.Integer(), {
        description: 'The indexes, from 0, of the events that were published before: nothing was appended for them.'
      })
    ),
    version: Type.Optional(version),
    timestamp_ahead: Type.Optional(timestampAhead)
  },
  { title: 'BatchReceipt', description: 'All of the events are in the log.' }
)
export type BatchReceipt = Static<typeof BatchReceipt>

const SPOOLED =
  'The log does not take it just now: it is on the disk of the service, and comes into the log when that is there again.'

export const SpoolReceipt = Type.Object(
  {
    status: Type.Literal('spooled', { description: SPOOLED }),
    event_id: Type.String(),
    spool_id: Type.String({ description: 'Its place in the spool, which no log knows.' })
  },
  { title: 'SpoolReceipt', description: 'The event is on the disk of the service.' }
)
export type SpoolReceipt = Static<typeof SpoolReceipt>

export const BatchSpoolReceipt = Type.Object(
  {
    status: Type.Literal('spooled', { description: SPOOLED }),
    count: Type.Integer(),
    event_ids: Type.Array(Type.String()),
    spool_id: Type.String()
  },
  { title: 'BatchSpoolReceipt', description: 'All of the events are on the disk of the service.' }
)
export type BatchSpoolReceipt = Static<typeof BatchSpoolReceipt>

export const BatchCheck = Type.Object(
  {
    status: Type.Literal('checked', { description: 'With dry_run: every event could be published.' }),
    count: Type.Integer()
  },
  { title: 'BatchCheck', description: 'Every event of the batch could be published.' }
)
export type BatchCheck = Static<typeof BatchCheck>

export const BatchAnswer = Type.Union([BatchReceipt, BatchCheck], {
  title: 'BatchAnswer',
  description: 'All of the events are in the log; with dry_run, all of them could be published.'
})
export type BatchAnswer = Static<typeof BatchAnswer>
