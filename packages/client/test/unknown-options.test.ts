import { EventClient } from '@tradpal/event-client'
import { tlsFetch } from '@tradpal/event-client/node'
import { createEvent } from '@tradpal/events'
import { describe, expect, test } from 'vitest'

/** As plain JavaScript calls it: the compiler refuses each of these. */
// biome-ignore lint/suspicious/noExplicitAny: it is the point of the test
type Loose = any

const loose = (value: Loose) => value
const none = () => {}
const event = createEvent('trading_signal', { symbol: 'AAPL', signal: 'BUY' })
/** Nothing is sent: whatever is, fails the test. */
const fetch = () => Promise.reject(new Error('It was sent.'))
const client: Loose = new EventClient({ fetch, retries: 0 })

const REFUSALS: [sentence: string, call: () => unknown][] = [
  ['apikey is no option of EventClient; did you mean apiKey?', () => new EventClient(loose({ apikey: 'a' }))],
  [
    'max is no option of backoff; its options are initialMs, maxMs.',
    () => new EventClient(loose({ backoff: { max: 1 } }))
  ],
  [
    'ca is no option of tlsFetch(); its options are caFile, certFile, keyFile, serverName.',
    () => tlsFetch(loose({ ca: 'a' }))
  ],
  ['spol is no option of publish(); did you mean spool?', () => client.publish(event, { spol: 'never' })],
  ['spol is no option of publish(); did you mean spool?', () => client.publishBatch([event], { spol: 'never' })],
  ['spol is no option of publish(); did you mean spool?', () => client.publishAll([event], { spol: 'never' })],
  ['simbol is no option of getEvents(); did you mean symbol?', () => client.getEvents({ simbol: 'AAPL' })],
  [
    'from is no option of readStream(); its options are fromVersion, raw.',
    () => client.readStream('account-7', { from: 1 })
  ],
  ['simbol is no option of countEvents(); did you mean symbol?', () => client.countEvents({ simbol: 'AAPL' })],
  ['sped is no option of streamReplay(); did you mean speed?', () => client.streamReplay({ sped: 1 })],
  ['sped is no option of replayEvents(); did you mean speed?', () => client.replayEvents({ sped: 1 }, none)],
  ['dryrun is no option of trim(); did you mean dryRun?', () => client.trim({ dryrun: true })],
  [
    'maxAge is no option of byType.trading_signal; did you mean maxAgeMs?',
    () => client.trim({ byType: { trading_signal: { maxAge: 1 } } })
  ],
  ['simbols is no option of subscribe(); did you mean symbols?', () => client.subscribe({ simbols: ['AAPL'] })],
  [
    'eventTypes is no option of consume(); did you mean eventType?',
    () => client.consume('a', none, { eventTypes: ['trading_signal'] })
  ],
  ['grop is no option of list(); did you mean group?', () => client.deadLetters.list({ grop: 'a' })],
  ['grop is no option of count(); did you mean group?', () => client.deadLetters.count({ grop: 'a' })],
  ['grop is no option of causes(); did you mean group?', () => client.deadLetters.causes({ grop: 'a' })],
  ['dat is no option of requeue(); did you mean data?', () => client.deadLetters.requeue('a', { dat: {} })],
  ['grop is no option of requeueAll(); did you mean group?', () => client.deadLetters.requeueAll({ grop: 'a' })],
  [
    'dryrun is no option of requeueAll(); did you mean dryRun?',
    () => client.deadLetters.requeueAll({}, { dryrun: true })
  ],
  ['reasons is no option of discard(); did you mean reason?', () => client.deadLetters.discard('a', { reasons: 'a' })],
  ['limits is no option of actions(); did you mean limit?', () => client.deadLetters.actions({ limits: 1 })],
  ['limits is no option of pending(); did you mean limit?', () => client.groups.pending('a', { limits: 1 })],
  ['forced is no option of seek(); did you mean force?', () => client.groups.seek('a', 'end', { forced: true })],
  ['forced is no option of remove(); did you mean force?', () => client.groups.remove('a', { forced: true })],
  [
    'eventType is no option of changePulling(); did you mean eventTypes?',
    () => client.groups.changePulling('a', { eventType: null })
  ],
  ['scope is no option of create(); did you mean scopes?', () => client.keys.create({ name: 'a', scope: [] })],
  ['overlap is no option of rotate(); did you mean overlapMs?', () => client.keys.rotate('a', { overlap: 1 })],
  ['actor is no option of list(); did you mean action?', () => client.audit.list({ actor: 'a' })],
  ['allowempty is no option of verify(); did you mean allowEmpty?', () => client.audit.verify({ allowempty: true })]
]

describe('an option of another name is refused before anything is sent', () => {
  test.each(REFUSALS)('%s', async (sentence, call) => {
    const refusal = (async () => call())()

    await expect(refusal).rejects.toMatchObject({ code: 'invalid_options', message: sentence })
  })
})
