// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.
import type { JsonValue } from '../../json-value.ts'

/** Something new from an alternative data source. */
export interface AlternativeDataUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** Who supplied it. */
  provider?: string | null
  /** When it was observed, in the form of the source. */
  timestamp?: string | number | null
  /** Its kind: `news`, `satellite`, `web_traffic`. */
  data_type?: string | null
  /** What was observed. */
  value?: JsonValue
}

/** How the market feels about an instrument. */
export interface SentimentDataUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** Who supplied it. */
  provider?: string | null
  /** When it was observed, in the form of the source. */
  timestamp?: string | number | null
  /** The mood, as a word or a score. */
  sentiment?: string | number | null
  /** The mood as a number, on the scale of the provider. */
  sentiment_score?: number | null
  /** How sure the sender is, from 0 to 1. */
  confidence?: number
  /** How many texts it was taken from. */
  mentions?: number | null
}

/** A figure from a blockchain. */
export interface OnchainDataUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** Who supplied it. */
  provider?: string | null
  /** When it was observed, in the form of the source. */
  timestamp?: string | number | null
  /** The blockchain. */
  chain?: string | null
  /** What was measured: `active_addresses`, `hash_rate`. */
  metric?: string | null
  /** What was measured; an amount past 2^53 as text. */
  value?: JsonValue
  /** The block at which it was measured. */
  block_number?: string | number | null
}

/** An economic indicator was published. */
export interface EconomicDataUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** Who supplied it. */
  provider?: string | null
  /** When it was observed, in the form of the source. */
  timestamp?: string | number | null
  /** The indicator: `CPI`, `GDP`, `NFP`. */
  indicator?: string | null
  /** The country or region. */
  country?: string | null
  /** The figure. */
  value?: number | null
  /** The figure before. */
  previous?: number | null
  /** What was expected. */
  forecast?: number | null
  /** The period that the figure is for. */
  period?: string | number | null
}
