import type { JsonObject } from '../json-value.ts'

/**
 * The keyword that marks a guarded field: `value` where any value that is present and not null is checked at the level
 * `platform`, `text` where only a text is. Validators of JSON Schema ignore it.
 */
export const GUARDED = 'x-guarded'

/** A guarded field: a wrong value here trades the wrong thing, or at the wrong price. */
function guarded(keywords: JsonObject, what: 'value' | 'text' = 'value'): JsonObject {
  return { ...keywords, [GUARDED]: what }
}

// The guarded fields.

export const symbol = () =>
  guarded({
    type: 'string',
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, as the platform names it: `BTC/USDT`.'
  })

/** A symbol where an event may concern none. */
export const anySymbol = () =>
  guarded({
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, where the event concerns one.'
  })

/** A price, a volume or another figure that somebody trades by: a finite number, and never null. */
export const figure = (description: string) => guarded({ type: 'number', description })

/** A figure of what was traded, which is never 0. */
export const positive = (description: string) => guarded({ type: 'number', exclusiveMinimum: 0, description })

export const confidence = () =>
  guarded({ type: 'number', minimum: 0, maximum: 1, description: 'How sure the sender is, from 0 to 1.' })

export const signal = () =>
  guarded({ type: 'string', enum: ['BUY', 'SELL', 'HOLD'], description: 'BUY, SELL or HOLD.' }, 'text')

export const side = () => guarded({ type: 'string', enum: ['BUY', 'SELL'], description: 'BUY or SELL.' })

export const symbols = (description: string) =>
  guarded({
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1, maxLength: 100 },
    description
  })

// The open fields: what a service says beside. Null is what Python's None becomes.

export const text = (description: string): JsonObject => ({ type: ['string', 'null'], description })

/** A version, an id, a time: some services write text, others a number. */
export const label = (description: string): JsonObject => ({ type: ['string', 'number', 'null'], description })

export const measure = (description: string): JsonObject => ({ type: ['number', 'null'], description })

export const details = (description: string): JsonObject => ({ type: ['object', 'null'], description })

export const list = (description: string): JsonObject => ({ type: ['array', 'null'], description })

export const anything = (description: string): JsonObject => ({ description })
