import type { JsonObject, JsonValue } from '../json-value.ts'
import { schema } from './typed-schema.ts'

// The strict fields: a wrong value here trades the wrong thing, or at the wrong price.

export const symbol = () =>
  schema<string>({
    type: 'string',
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, as the platform names it: `BTC/USDT`.'
  })

/** A symbol where an event may concern none. */
export const anySymbol = () =>
  schema<string | null>({
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, where the event concerns one.'
  })

/** A price, a volume or another figure that somebody trades by: a finite number, and never null. */
export const figure = (description: string) => schema<number>({ type: 'number', description })

/** A figure of what was traded, which is never 0. */
export const positive = (description: string) => schema<number>({ type: 'number', exclusiveMinimum: 0, description })

export const confidence = () =>
  schema<number>({ type: 'number', minimum: 0, maximum: 1, description: 'How sure the sender is, from 0 to 1.' })

export const signal = () =>
  schema<string>({
    type: 'string',
    pattern: '^(?:[Bb][Uu][Yy]|[Ss][Ee][Ll][Ll]|[Hh][Oo][Ll][Dd])$',
    description: 'BUY, SELL or HOLD, in either case.'
  })

export const side = () =>
  schema<string>({
    type: 'string',
    pattern: '^(?:[Bb][Uu][Yy]|[Ss][Ee][Ll][Ll])$',
    description: 'BUY or SELL, in either case.'
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

export const symbols = (description: string) =>
  schema<readonly string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1, maxLength: 100 },
    description
  })

export const anything = (description: string) => schema<JsonValue>({ description })
