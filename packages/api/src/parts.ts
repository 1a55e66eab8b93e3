import Type, { type TSchema } from 'typebox'

/** The parts that documents share. */
export const time = (description: string) => Type.String({ description, examples: ['2026-11-23T08:49:10.123+00:00'] })
/** A time that chooses what is answered. It has no example: a page that fills one in would ask for nothing. */
export const timeFilter = (description: string) => Type.String({ description: `${description} RFC 3339.` })
export const messageId = Type.String({ description: "The entry's id in the log.", examples: ['1764057600000-0'] })
export const position = Type.String({
  description:
    'Behind the events: the `after` of the next request with the same `time`. In log order, where the log has one, it is a message id, and each message id is a position.',
  examples: ['1764057600000-0']
})
export const limit = Type.Integer({ minimum: 1, maximum: 1000, default: 100 })
export const streamKey = Type.String({
  description: 'The subject of the events, such as an account: 1 to 200 characters.',
  examples: ['account-7']
})

export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** An object that refuses fields that it does not know: a misspelt filter must not widen the answer. */
export const closed = <Properties extends Record<string, TSchema>>(
  properties: Properties,
  options: { readonly title?: string; readonly description?: string; readonly examples?: readonly object[] } = {}
) => Type.Object(properties, { additionalProperties: false, ...options })

export const eventTypes = Type.Array(Type.String({ minLength: 1 }), {
  description: 'Only events of this type. Several: repeat it, or separate them with commas.',
  maxItems: 100
})
export const symbols = Type.Array(Type.String({ minLength: 1 }), {
  description:
    'Only events whose data.symbol is this. Several: repeat it. symbol and symbols are the same; give one of them.',
  maxItems: 100
})

export const onGap = Type.Union([Type.Literal('report'), Type.Literal('error')], {
  description:
    'When entries behind the message id may have been trimmed: report (default) says so in the answer, error refuses with 409.'
})
export const gap = Type.Literal(true, {
  description: 'Entries behind the message id of after may have been trimmed.'
})

export const timeOrder = Type.Union([Type.Literal('log'), Type.Literal('event')], {
  description:
    'Which times start_time and end_time are, and the order of the events. log (default): when the log took them. event: when they happened, by their timestamps in whole ms; with equal times in log order. A log without an index (EVENT_INDEX) answers 501 to event.'
})
export const hint = Type.String({
  description: 'Of an answer without events: the log took none in this time, and some happened in it.',
  examples: ['The log took no such event in this time, but some happened in it: ask with time=event.']
})

/** The query parameters that choose a range of the log. */
export const range = {
  event_type: Type.Optional(eventTypes),
  symbol: Type.Optional(symbols),
  symbols: Type.Optional(symbols),
  start_time: Type.Optional(timeFilter('Taken by the log at this time or later; without an offset, UTC.')),
  end_time: Type.Optional(timeFilter('Taken by the log at this time or earlier.')),
  time: Type.Optional(timeOrder),
  after: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Only events behind this position: that of an answer with the same time or of a frame, or a message id where the log has one order. It excludes start_time.'
    })
  ),
  on_gap: Type.Optional(onGap)
}
