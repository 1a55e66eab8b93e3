import { anySymbol, anything, confidence, label, measure, text } from './fields.ts'
import { object, optional } from './object-schema.ts'

const sourced = {
  symbol: optional(anySymbol()),
  provider: optional(text('Who supplied it.')),
  timestamp: optional(label('When it was observed, in the form of the source.'))
}

export const alternativeDataUpdate = object(
  {
    ...sourced,
    data_type: optional(text('Its kind: `news`, `satellite`, `web_traffic`.')),
    value: optional(anything('What was observed.'))
  },
  { description: 'Something new from an alternative data source.' }
)

export const sentimentDataUpdate = object(
  {
    ...sourced,
    sentiment: optional(label('The mood, as a word or a score.')),
    sentiment_score: optional(measure('The mood as a number, on the scale of the provider.')),
    confidence: optional(confidence()),
    mentions: optional(measure('How many texts it was taken from.'))
  },
  { description: 'How the market feels about an instrument.' }
)

export const onchainDataUpdate = object(
  {
    ...sourced,
    chain: optional(text('The blockchain.')),
    metric: optional(text('What was measured: `active_addresses`, `hash_rate`.')),
    value: optional(anything('What was measured; an amount past 2^53 as text.')),
    block_number: optional(label('The block at which it was measured.'))
  },
  { description: 'A figure from a blockchain.' }
)

export const economicDataUpdate = object(
  {
    ...sourced,
    indicator: optional(text('The indicator: `CPI`, `GDP`, `NFP`.')),
    country: optional(text('The country or region.')),
    value: optional(measure('The figure.')),
    previous: optional(measure('The figure before.')),
    forecast: optional(measure('What was expected.')),
    period: optional(label('The period that the figure is for.'))
  },
  { description: 'An economic indicator was published.' }
)
