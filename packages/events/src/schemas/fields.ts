import Type, { type TUnsafe } from 'typebox'
import type { JsonObject, JsonValue } from '../json-value.ts'

// The strict fields: a wrong value here trades the wrong thing, or at the wrong price.

export const symbol = () =>
  Type.String({ minLength: 1, maxLength: 100, description: 'The instrument, as the platform names it: `BTC/USDT`.' })

/** A symbol where an event may concern none. */
export const anySymbol = () =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 100,
    description: 'The instrument, where the event concerns one.'
  })

/** A price, a volume or another figure that somebody trades by: a finite number, and never null. */
export const figure = (description: string) => Type.Number({ description })

export const confidence = () =>
  Type.Number({ minimum: 0, maximum: 1, description: 'How sure the sender is, from 0 to 1.' })

export const signal = () =>
  Type.String({
    pattern: '^(?:[Bb][Uu][Yy]|[Ss][Ee][Ll][Ll]|[Hh][Oo][Ll][Dd])$',
    description: 'BUY, SELL or HOLD, in either case.'
  })

export const side = () =>
  Type.String({ pattern: '^(?:[Bb][Uu][Yy]|[Ss][Ee][Ll][Ll])$', description: 'BUY or SELL, in either case.' })

// The open fields: what a service says beside. Null is what Python's None becomes.

export const text = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description })

/** A version, an id, a time: some services write text, others a number. */
export const label = (description: string) =>
  Type.Unsafe<string | number | null>({ type: ['string', 'number', 'null'], description })

export const measure = (description: string) => Type.Unsafe<number | null>({ type: ['number', 'null'], description })

export const details = (description: string) =>
  Type.Unsafe<JsonObject | null>({ type: ['object', 'null'], description })

export const list = <T extends JsonValue = JsonValue>(description: string): TUnsafe<readonly T[] | null> =>
  Type.Unsafe<readonly T[] | null>({ type: ['array', 'null'], description })

export const symbols = (description: string) =>
  Type.Unsafe<readonly string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1, maxLength: 100 },
    description
  })

export const anything = (description: string) => Type.Unsafe<JsonValue>({ description })
