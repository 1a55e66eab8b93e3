import Type, { type TSchema } from 'typebox'

/** What requests and answers look like, said once for the checks, the serialisation and the API's description. */
export const time = (description: string) => Type.String({ description, examples: ['2026-11-23T08:49:10.123+00:00'] })
export const messageId = Type.String({ description: "The entry's id in the log.", examples: ['1764057600000-0'] })
export const position = Type.String({
  description:
    'Behind the events: the `after` of the next request. In a log with one order it is a message id, and each message id is a position.',
  examples: ['1764057600000-0']
})
export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const open = (description: string) => Type.Object({}, { additionalProperties: true, description })

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

export const gap = Type.Optional(
  Type.Literal(true, { description: 'Entries behind the message id of after may have been trimmed.' })
)

export const range = {
  event_type: Type.Optional(eventTypes),
  symbol: Type.Optional(symbols),
  symbols: Type.Optional(symbols),
  start_time: Type.Optional(time('Taken by the log at this time or later, RFC 3339; without an offset, UTC.')),
  end_time: Type.Optional(time('Taken by the log at this time or earlier.')),
  after: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Only events behind this position: that of an answer or a frame, or a message id where the log has one order. It excludes start_time.'
    })
  ),
  on_gap: Type.Optional(onGap)
}

/** A query refuses fields that the endpoint does not take: a misspelt filter must not widen the answer. */
export const closed = <Properties extends Record<string, TSchema>>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false })

const eventParts = {
  event_type: Type.String(),
  event_id: Type.String(),
  timestamp: time('When it happened, by its publisher.'),
  source: Type.String(),
  data: open('What the event carries.'),
  metadata: open('What travels beside the data.')
}

export const storedEvent = Type.Object(
  { message_id: messageId, ...eventParts },
  { description: 'An event and its place in the log.' }
)

export const streamEvent = Type.Object(
  {
    message_id: messageId,
    version: Type.Integer({ description: 'Its number among the events of the stream key, from 1.' }),
    ...eventParts
  },
  { description: 'An event of a stream key, and its places in the log and in the stream.' }
)

export const newEvent = Type.Object(
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
    data: Type.Optional(
      Type.Object(
        {},
        { additionalProperties: true, examples: [{ symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.85 }] }
      )
    ),
    metadata: Type.Optional(open('What travels beside the data.'))
  },
  { description: 'An event; only event_type is required.' }
)

const version = Type.Integer({
  description:
    'With a stream_key: its version since, to be expected next. Of a duplicate the one since it was published.'
})

export const streamKey = Type.String({
  description: 'Of what events are: 1 to 200 characters.',
  examples: ['account-7']
})

export const fromVersion = Type.Integer({ minimum: 1, default: 1, description: 'From this version on.' })

/** Of what is published, and the version of that that its publisher has seen. */
export const expectation = closed({
  stream_key: Type.Optional(
    Type.String({
      description:
        'Of what the event is, or each of the batch: 1 to 200 characters. It is counted, which takes the scope stream:<prefix>.',
      examples: ['account-7']
    })
  ),
  expected_version: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Publishes only if the stream_key has this version; else 409.' })
  )
})

export const dryRunOfBatch = {
  dry_run: Type.Optional(
    Type.Boolean({
      description: 'Only checks the events, as a publish would. It publishes nothing and answers `checked`.'
    })
  )
}

const timestampAhead = Type.Literal(true, {
  description: 'A timestamp is more than five minutes ahead of the clock of the service. It was published all the same.'
})

export const published = Type.Object({
  message_id: messageId,
  event_id: Type.String(),
  status: Type.Literal('published'),
  duplicate: Type.Optional(
    Type.Literal(true, { description: 'The event id was published before: nothing was appended.' })
  ),
  version: Type.Optional(version),
  timestamp_ahead: Type.Optional(timestampAhead)
})

export const publishedBatch = Type.Object({
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
})

export const messageIdParameter = Type.Object({ message_id: messageId })

export const limit = Type.Integer({ minimum: 1, maximum: 1000, default: 100 })

const handlingError = Type.Object({
  message: Type.String(),
  stack: Type.Optional(Type.String()),
  pointer: Type.Optional(Type.String({ description: 'Of an invalid event: JSON pointer of what is wrong.' })),
  at: time('When.')
})

export const deadLetter = Type.Object({
  id: Type.String(),
  message_id: messageId,
  group: Type.String(),
  consumer: Type.String(),
  handler: Type.Union([Type.String(), Type.Null()], {
    description: 'The handler that gave up; null when none saw it.'
  }),
  event_type: Type.Union([Type.String(), Type.Null()], { description: 'null when the entry is no valid event.' }),
  kind: Type.String({ description: 'poison, invalid, rejected or exhausted.' }),
  reason: Type.String({ description: 'What the last error said.' }),
  attempts: Type.Integer({ description: 'How often the handler was tried.' }),
  requeues: Type.Integer({ description: 'How often an operator had put the entry back before.' }),
  amended: Type.Boolean({ description: 'Whether an operator had given the group the event with other data.' }),
  fingerprint: Type.String({
    description:
      'The same for dead letters of one cause: of their group, event type, class of error and place in the code.'
  }),
  first_error: handlingError,
  last_error: handlingError,
  dead_at: time('When it was put here.'),
  payload: Type.Union([Type.String(), Type.Null()], { description: 'The entry as the group had it.' }),
  raw: Type.Optional(open('What the entry holds where it has no event.'))
})

export const deadLetterCause = Type.Object({
  group: Type.String(),
  fingerprint: Type.String(),
  count: Type.Integer({ description: 'How many dead letters have this cause.' }),
  oldest: deadLetter
})

export const deadLetterAction = Type.Object({
  id: Type.String(),
  at: time('When it was done.'),
  action: Type.String({ description: 'requeue or discard.' }),
  by: Type.String(),
  reason: Type.Optional(Type.String({ description: 'Why it was discarded.' })),
  amended: Type.Boolean({ description: 'Whether the group got the event with other data.' }),
  letter: deadLetter
})
