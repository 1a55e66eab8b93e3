import * as library from '@tradpal/event-system'
import { createEvent, EventSystem, validateEvent } from '@tradpal/event-system'
import { Audit } from '@tradpal/event-system/audit'
import { Outbox } from '@tradpal/event-system/outbox'
import { createTestSystem, type TestSystem } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** As plain JavaScript calls it: the compiler refuses each of these. */
// biome-ignore lint/suspicious/noExplicitAny: it is the point of the test
type Loose = any

const signal = { symbol: 'AAPL', signal: 'BUY' } as const
const make: Loose = createEvent
const validate: Loose = validateEvent
const none = () => {}

let kit: TestSystem
let system: Loose

beforeAll(async () => {
  kit = await createTestSystem()
  system = kit.system
  system.registerHandler('trading_signal', none)
})

afterAll(() => kit.close())

describe('a wrong argument is refused in a sentence that says what would be right', () => {
  test.each<[what: string, call: () => unknown, code: string, told: string]>([
    [
      'a level of validation that there is not',
      () => make('trading_signal', signal, { validation: 'stict' }),
      'invalid_options',
      'validation must be strict, platform or off, got "stict".'
    ],
    [
      'a level of validation that there is not, of a whole event',
      () => validate(createEvent('trading_signal', signal), 'STRICT'),
      'invalid_options',
      'validation must be strict, platform or off, got "STRICT".'
    ],
    [
      'a clock that tells no time',
      () => make('trading_signal', signal, { clock: 5 }),
      'invalid_options',
      'clock must be a clock with now() and sleep(), got 5.'
    ],
    [
      'data that were not awaited',
      () => make('portfolio_update', Promise.resolve({ cash: 1 })),
      'invalid_event',
      'data must be an object, got a promise: await it first.'
    ],
    [
      'an event that was not awaited',
      () => system.publishEvent(Promise.resolve(signal)),
      'invalid_event',
      'An event must be an object, got a promise: await it first.'
    ],
    [
      'a list of events as one',
      () => system.publishEvent([createEvent('trading_signal', signal)]),
      'invalid_event',
      'An event must be an object, as createEvent() makes it, got an array.'
    ],
    [
      'an event in the form of the wire',
      () => system.publishEvent({ event_type: 'trading_signal', data: signal }),
      'invalid_event',
      'event_type must be a text in eventType, as createEvent() makes it, got undefined; fromWire() reads the form with event_type.'
    ],
    [
      'the data alone',
      () => system.publishEvent(signal),
      'invalid_event',
      'event_type must be a text in eventType, as createEvent() makes it, got undefined.'
    ],
    [
      'one event as a batch',
      () => system.publishBatch({ ...signal }),
      'invalid_argument',
      "A batch must be a list of events, got { symbol: 'AAPL', signal: 'BUY' }; publishEvent() takes one event."
    ],
    [
      'a price that is no data',
      () => system.publisher.publishMarketData('AAPL', 231),
      'invalid_event',
      'data must be an object, got 231.'
    ],
    [
      'market data without data',
      () => system.publisher.publishMarketData('AAPL'),
      'invalid_event',
      'data must be an object, got null.'
    ],
    [
      'a signal in two arguments',
      () => system.publisher.publishTradingSignal('AAPL', 'BUY'),
      'invalid_event',
      'data must be an object, got "AAPL".'
    ],
    [
      'a handler without a type',
      () => system.registerHandler(none),
      'invalid_argument',
      "registerHandler() takes an event type, a list of them or '*', and then the handler; got a function as the type."
    ],
    [
      'a type that is null, as of a misspelt constant',
      () => system.registerHandler(['trading_signal', null], none),
      'unknown_event_type',
      'An event type must be a text such as trading_signal, got null.'
    ],
    [
      'a handler that is null',
      () => system.registerHandler('trading_signal', null),
      'invalid_argument',
      'A handler must be a function, got null.'
    ],
    [
      'a place to begin that is a word',
      () => system.startConsuming({ from: 'beginning' }),
      'invalid_options',
      "from must be 'new', 'start', a message id or a Date, got \"beginning\"."
    ],
    [
      'a place to begin that is a time in a text',
      () => system.startConsuming({ from: '2026-01-01T00:00:00Z' }),
      'invalid_options',
      "from must be 'new', 'start', a message id or a Date, got \"2026-01-01T00:00:00Z\"."
    ],
    [
      'a replay of a function alone, which registered handlers would get',
      () => system.replayEvents(none),
      'invalid_options',
      'replayEvents() takes an object with options (eventType, symbol, symbols, startTime, endTime, time, after, onGap, raw), got a function.'
    ],
    [
      'a replay to what is no function',
      () => system.replayEvents({}, 'print'),
      'invalid_argument',
      'The handler of a replay must be a function, got "print".'
    ],
    [
      'a speed that is a word',
      () => system.replayEvents({}, none, { speed: 'fast' }),
      'invalid_argument',
      'speed must be a number above 0, or \'max\', got "fast".'
    ],
    [
      'a log that is none',
      () => new EventSystem({ storage: {} } as Loose),
      'invalid_options',
      'storage must be a storage, such as new SqliteStorage({ path }), got {}.'
    ],
    [
      'a clock that is none',
      () => new EventSystem({ clock: Date } as Loose),
      'invalid_options',
      'clock must be a clock with now() and sleep(), such as a FakeClock, got a function.'
    ],
    [
      'an environment that is none',
      () => new EventSystem({ environment: 'production' } as Loose),
      'invalid_options',
      'environment must be an object of variables, such as process.env, got "production".'
    ],
    [
      'a path that is a number',
      () => new EventSystem({ spoolPath: 5 } as Loose),
      'invalid_options',
      'spoolPath must be a text, got 5.'
    ],
    [
      'the file of a log that is a number',
      () => new library.SqliteStorage({ path: 5 } as Loose),
      'invalid_options',
      'path must be the file of the log, got 5.'
    ],
    [
      'an event to write that is none',
      () => (library.encodeEvent as Loose)(undefined),
      'invalid_event',
      'An event must be an object, as createEvent() makes it, got undefined.'
    ],
    [
      'an object to read as a text',
      () => (library.decodeEvent as Loose)({ event_type: 'risk_alert' }),
      'invalid_json',
      'JSON is read from a text or from bytes, got an object.'
    ],
    [
      'a number that is a text',
      () => new EventSystem({ logPath: './a.db', timeoutMs: '5' } as Loose),
      'invalid_options',
      'timeoutMs must be a whole number from 1 to 2147483647, got "5".'
    ],
    [
      'an audit log over no log',
      () => new Audit({} as Loose),
      'invalid_options',
      'storage must be a storage, such as new SqliteStorage({ path }), got undefined.'
    ],
    [
      'an audit log that keeps nothing',
      () => new Audit({ storage: system.storage, retentionMs: 0 }),
      'invalid_options',
      'retentionMs must be a number of ms above 0, got 0.'
    ],
    [
      'a list of no entries',
      () => new Audit({ storage: system.storage }).list({ limit: 0 }),
      'invalid_options',
      'limit must be a whole number of at least 1, got 0.'
    ]
  ])('%s', async (_what, call, code, message) => {
    const refused = (async () => call())()

    await expect(refused).rejects.toMatchObject({ name: 'EventSystemError', code, message })
  })
})

test.each([
  'DeadLetterOffice',
  'EventPublisher',
  'EventPuller',
  'EventStore',
  'EventSubscriber',
  'GroupOffice',
  'Retention'
])('%s refuses to be made without a log', (name) => {
  const Part = (library as Loose)[name]

  expect(() => new Part({})).toThrow('storage must be a storage, such as new SqliteStorage({ path }), got undefined.')
})

test('an outbox refuses to be made without options', () => {
  expect(() => new (Outbox as Loose)()).toThrow('Outbox takes an object with options (store, publisher, ')
})

test('what the convenience publishers refuse is a rejection, and never thrown at the caller', async () => {
  const promises = [system.publisher.publishTradingSignal('AAPL', 'BUY'), system.publisher.publishMarketData('AAPL', 5)]

  const settled = await Promise.allSettled(promises)

  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
