import type { JsonObject, JsonValue } from '../json-value.ts'
import { type Schema, schema } from './typed-schema.ts'

/**
 * The keyword that marks a guarded field: `value` where any value that is present and not null is checked at the level
 * `platform`, `text` where only a text is. Validators of JSON Schema ignore it.
 */
export const GUARDED = 'x-guarded'

/** A guarded field: a wrong value here trades the wrong thing, or at the wrong price. */
function guarded<Value>(keywords: JsonObject, what: 'value' | 'text' = 'value'): Schema<Value> {
  return schema<Value>({ ...keywords, [GUARDED]: what })
}

// The guarded fields.

export const symbol = () =>
  guarded<string>({
    type: 'string',
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, as the platform names it: `BTC/USDT`.'
  })

/** A symbol where an event may concern none. */
export const anySymbol = () =>
  guarded<string | null>({
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, where the event concerns one.'
  })

/** A price, a volume or another figure that somebody trades by: a finite number, and never null. */
export const figure = (description: string) => guarded<number>({ type: 'number', description })

/** A figure of what was traded, which is never 0. */
export const positive = (description: string) => guarded<number>({ type: 'number', exclusiveMinimum: 0, description })

export const confidence = () =>
  guarded<number>({ type: 'number', minimum: 0, maximum: 1, description: 'How sure the sender is, from 0 to 1.' })

export const signal = () =>
  guarded<string>(
    {
      type: 'string',
      pattern: '^(?:[Bb][Uu][Yy]|[Ss][Ee][Ll][Ll]|[Hh][Oo][Ll][Dd])$',
      description: 'BUY, SELL or HOLD, in either case.'
    },
    'text'
  )

export const side = () =>
  guarded<string>({
    type: 'string',
    pattern: '^(?:[Bb][Uu][Yy]|[Ss][Ee][Ll][Ll])$',
    description: 'BUY or SELL, in either case.'
  })

export const symbols = (description: string) =>
  guarded<readonly string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1, maxLength: 100 },
    description
  })

// The open fields: what a service says beside. Null is what Python's None becomes.

export const text = (description: string) => schema<string | null>({ type: ['string', 'null'], description })

/** A version, an id, a time: some services write text, others a number. */
export const label = (description: string) =>
  schema<string | number | null>({ type: ['string', 'number', 'null'], description })

export const measure = (description: string) => schema<number | null>({ type: ['number', 'null'], description })

export const details = (description: string) => schema<JsonObject | null>({ type: ['object', 'null'], description })

export const list = <T extends JsonValue = JsonValue>(description: string) =>
  schema<readonly T[] | null>({ type: ['array', 'null'], description })

export const anything = (description: string) => schema<JsonValue>({ description })
