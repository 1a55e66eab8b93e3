import { DatabaseSync } from 'node:sqlite'
import {
  batchHandler,
  configure,
  createEvent,
  DeadLetterOffice,
  Documents,
  decodeEvent,
  EventPublisher,
  EventPuller,
  EventStore,
  EventSubscriber,
  EventSystem,
  encodeEvent,
  GroupOffice,
  RedisStorage,
  Retention,
  registerEventType,
  registerUpcaster,
  SqliteStorage,
  systemClock,
  WatchedFiles
} from '@tradpal/event-system'
import { ApiKeys, KeyBook } from '@tradpal/event-system/access'
import { Audit } from '@tradpal/event-system/audit'
import { Outbox, postgresOutbox, postgresOutboxDdl, sqliteOutbox, sqliteOutboxDdl } from '@tradpal/event-system/outbox'
import { createTestSystem, type TestSystem, waitFor } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** As plain JavaScript calls it: the compiler refuses each of these. */
// biome-ignore lint/suspicious/noExplicitAny: it is the point of the test
type Loose = any

let kit: TestSystem
let system: Loose
let log: Loose

beforeAll(async () => {
  kit = await createTestSystem()
  system = kit.system
  log = kit.system.storage
})

afterAll(() => kit.close())

const event = () => createEvent('trading_signal', { symbol: 'AAPL', signal: 'BUY' })
const none = async () => {}
const loose = (value: Loose) => value
const pool = { query: async () => ({ rows: [] }) }
const database = () => new DatabaseSync(':memory:')
const documents = () => new Documents(log)
const audit = () => new Audit({ storage: log })
const outbox = () => new Outbox({ store: sqliteOutbox(database()), publisher: kit.system })
/** Passes every check before that of the options. */
const made = (Part: Loose, options: object) => new Part({ storage: log, clock: systemClock, ...options })

const REFUSALS: [sentence: string, call: () => unknown][] = [
  // the system and its parts
  ['logPth is no option of EventSystem; did you mean logPath?', () => new EventSystem(loose({ logPth: 'a' }))],
  ['logPth is no option of EventSystem; did you mean logPath?', () => configure(loose({ logPth: 'a' }))],
  [
    'keyFile is no option of encryption; did you mean keysFile?',
    () => configure(loose({ encryption: { keyFile: 'a' } }))
  ],
  ['verfy is no option of signing; did you mean verify?', () => configure(loose({ signing: { verfy: 'off' } }))],
  ['caFiles is no option of redisTls; did you mean caFile?', () => configure(loose({ redisTls: { caFiles: 'a' } }))],
  [
    'user is no option of redisSentinel; its options are username, password.',
    () => configure(loose({ redisSentinel: { user: 'a' } }))
  ],
  [
    'maxAge is no option of retention; did you mean maxAgeMs?',
    () => new EventSystem(loose({ logPath: 'a', retention: { maxAge: 1 } }))
  ],
  [
    'maxLen is no option of retention of trading_signal; its options are maxLength, maxAgeMs, maxBytes.',
    () => made(Retention, { policy: { byType: { trading_signal: { maxLen: 1 } } } })
  ],
  ['policys is no option of Retention; did you mean policy?', () => made(Retention, { policys: {} })],
  ['timeout is no option of EventPublisher; did you mean timeoutMs?', () => made(EventPublisher, { timeout: 1 })],
  [
    'group is no option of EventSubscriber; its options are storage, codec, vault, ledgerRetentionMs, validation, consumerGroup, logger, clock, random.',
    () => made(EventSubscriber, { group: 'a' })
  ],
  ['maxGroup is no option of EventPuller; did you mean maxGroups?', () => made(EventPuller, { maxGroup: 1 })],
  ['codecs is no option of EventStore; did you mean codec?', () => made(EventStore, { codecs: 1 })],
  ['codecs is no option of DeadLetterOffice; did you mean codec?', () => made(DeadLetterOffice, { codecs: 1 })],
  ['storages is no option of GroupOffice; did you mean storage?', () => made(GroupOffice, { storages: 1 })],
  ['paths is no option of SqliteStorage; did you mean path?', () => new SqliteStorage(loose({ paths: 'a' }))],
  ['uri is no option of RedisStorage; did you mean url?', () => new RedisStorage(loose({ uri: 'a' }))],
  [
    'ca is no option of tls; its options are caFile, certFile, keyFile, serverName.',
    () => new RedisStorage(loose({ url: 'rediss://a', tls: { ca: 'a' } }))
  ],
  [
    'user is no option of sentinel; its options are username, password.',
    () => new RedisStorage(loose({ sentinel: { user: 'a' } }))
  ],
  ['path is no option of WatchedFiles; did you mean paths?', () => new WatchedFiles(loose({ path: [] }))],
  // events
  [
    'eventid is no option of createEvent(); did you mean eventId?',
    () => createEvent('system_health', {}, loose({ eventid: 'a' }))
  ],
  [
    'complet is no option of decodeEvent(); did you mean complete?',
    () => decodeEvent(encodeEvent(event()), loose({ complet: true }))
  ],
  [
    'schemas is no option of registerEventType(); did you mean schema?',
    () => registerEventType(loose({ name: 'a', schemas: {} }))
  ],
  ['types is no option of registerUpcaster(); did you mean type?', () => registerUpcaster(loose({ types: 'a' }))],
  // publishing
  ['spol is no option of publish(); did you mean spool?', () => system.publish(event(), { spol: 'never' })],
  ['timeout is no option of publish(); did you mean timeoutMs?', () => system.publishBatch([event()], { timeout: 1 })],
  [
    'streamkey is no option of publish(); did you mean streamKey?',
    () => system.transaction((unit: Loose) => unit.publish(event()), { streamkey: 'a' })
  ],
  [
    'spol is no option of publish(); did you mean spool?',
    () => system.publisher.publishAll([event()], { spol: 'never' })
  ],
  // consuming
  [
    'maxAttempt is no option of registerHandler(); did you mean maxAttempts?',
    () => system.registerHandler('trading_signal', none, { maxAttempt: 1 })
  ],
  [
    'max is no option of backoff; its options are initialMs, maxMs.',
    () => system.registerHandler('trading_signal', none, { backoff: { max: 1 } })
  ],
  ['groups is no option of startConsuming(); did you mean group?', () => system.startConsuming({ groups: 'a' })],
  [
    'size is no option of batchHandler(); its options are maxSize, maxWaitMs.',
    () => batchHandler(async () => [], loose({ size: 1 }))
  ],
  [
    'eventType is no option of pull(); did you mean eventTypes?',
    () => system.puller.pull({ group: 'a', eventType: 'trading_signal' })
  ],
  [
    'principl is no option of acknowledge(); did you mean principal?',
    () => system.puller.acknowledge('a', [], { principl: 'a' })
  ],
  [
    'principl is no option of extend(); did you mean principal?',
    () => system.puller.extend('a', [], { principl: 'a' })
  ],
  ['delay is no option of nack(); did you mean delayMs?', () => system.puller.nack('a', [], { delay: 1 })],
  ['timeout is no option of close(); did you mean timeoutMs?', () => system.subscriber.close({ timeout: 1 })],
  // reading
  ['simbol is no option of getEvents(); did you mean symbol?', () => system.getEvents({ simbol: 'AAPL' })],
  [
    'event_type is no option of getEvents(); did you mean eventType?',
    () => system.store.getEvents({ event_type: 'trading_signal' })
  ],
  [
    'limit is no option of readEvents(); its options are eventType, symbol, symbols, startTime, endTime, time, after, onGap, raw.',
    () => system.readEvents({ limit: 1 })
  ],
  [
    'from is no option of readStream(); its options are fromVersion, raw.',
    () => system.readStream('account-7', { from: 1 })
  ],
  ['simbol is no option of replayEvents(); did you mean symbol?', () => system.replayEvents({ simbol: 'AAPL' }, none)],
  ['simbol is no option of replayEvents(); did you mean symbol?', () => system.replayEvents({ simbol: 'AAPL' })],
  ['sped is no option of replay(); did you mean speed?', () => system.replayEvents({}, none, { sped: 1 })],
  ['simbol is no option of replay(); did you mean symbol?', () => system.store.replay({ simbol: 'AAPL' })],
  ['simbol is no option of countEvents(); did you mean symbol?', () => system.countEvents({ simbol: 'AAPL' })],
  ['signl is no option of countEvents(); did you mean signal?', () => system.countEvents({}, { signl: 1 })],
  [
    'endTime is no option of follow(); its options are eventType, symbol, symbols, onGap, raw.',
    () => system.store.follow('start', { endTime: 1 })
  ],
  ['row is no option of getEvent(); did you mean raw?', () => system.store.getEvent('1-0', { row: true })],
  ['row is no option of lineage(); did you mean raw?', () => system.store.lineage('1-0', { row: true })],
  ['maxLengt is no option of trim(); did you mean maxLength?', () => system.store.trim({ maxLengt: 1 })],
  ['forced is no option of trim(); did you mean force?', () => system.store.trim({ maxLength: 1 }, { forced: true })],
  // operating
  ['dryrun is no option of enforce(); did you mean dryRun?', () => system.retention.enforce({ dryrun: true })],
  [
    'maxLengt is no option of retention; did you mean maxLength?',
    () => system.retention.enforce({ policy: { maxLengt: 1 } })
  ],
  ['grop is no option of list(); did you mean group?', () => system.deadLetters.list({ grop: 'a' })],
  ['grop is no option of count(); did you mean group?', () => system.deadLetters.count({ grop: 'a' })],
  [
    'amend is no option of requeue(); its options are by, data, mayAmend.',
    () => system.deadLetters.requeue('a', { by: 'a', amend: {} })
  ],
  [
    'grop is no option of requeueAll(); did you mean group?',
    () => system.deadLetters.requeueAll({ grop: 'a' }, { by: 'a' })
  ],
  [
    'dryrun is no option of requeueAll(); did you mean dryRun?',
    () => system.deadLetters.requeueAll({}, { by: 'a', dryrun: true })
  ],
  [
    'reasons is no option of discard(); did you mean reason?',
    () => system.deadLetters.discard('a', { by: 'a', reasons: 'a' })
  ],
  ['limits is no option of actions(); did you mean limit?', () => system.deadLetters.actions({ limits: 1 })],
  ['limits is no option of pending(); did you mean limit?', () => system.groups.pending('a', { limits: 1 })],
  ['forced is no option of seek(); did you mean force?', () => system.groups.seek('a', 'end', { forced: true })],
  ['forced is no option of remove(); did you mean force?', () => system.groups.remove('a', { forced: true })],
  ['dryrun is no option of rekey(); did you mean dryRun?', () => system.rekey({ dryrun: true })],
  ['who is no option of shred(); its options are by, reason.', () => system.shred('a', { who: 'a' })],
  ['timeout is no option of close(); did you mean timeoutMs?', () => system.close({ timeout: 1 })],
  // API keys and the audit log
  [
    'document is no option of KeyBook; did you mean documents?',
    () => new KeyBook(loose({ documents: documents(), document: 1 }))
  ],
  [
    'scope is no option of create(); did you mean scopes?',
    () => new ApiKeys(documents()).create(loose({ name: 'a', by: 'a', scope: ['*'] }))
  ],
  [
    'overlap is no option of rotate(); did you mean overlapMs?',
    () => new ApiKeys(documents()).rotate('a', loose({ by: 'a', overlap: 1 }))
  ],
  [
    'retention is no option of Audit; did you mean retentionMs?',
    () => new Audit(loose({ storage: log, retention: 1 }))
  ],
  ['principl is no option of list(); did you mean principal?', () => audit().list(loose({ principl: 'a' }))],
  ['heads is no option of verify(); did you mean head?', () => audit().verify(loose({ heads: 1 }))],
  // the outbox
  [
    'poll is no option of Outbox; did you mean pollMs?',
    () => new Outbox(loose({ store: sqliteOutbox(database()), publisher: system, poll: 1 }))
  ],
  [
    'tables is no option of sqliteOutbox(); did you mean table?',
    () => sqliteOutbox(database(), loose({ tables: 'a' }))
  ],
  ['tables is no option of sqliteOutboxDdl(); did you mean table?', () => sqliteOutboxDdl(loose({ tables: 'a' }))],
  ['tables is no option of postgresOutbox(); did you mean table?', () => postgresOutbox(pool, loose({ tables: 'a' }))],
  ['tables is no option of postgresOutboxDdl(); did you mean table?', () => postgresOutboxDdl(loose({ tables: 'a' }))],
  ['limits is no option of setAsideEvents(); did you mean limit?', () => outbox().setAsideEvents(loose({ limits: 1 }))],
  ['timeout is no option of close(); did you mean timeoutMs?', () => outbox().close(loose({ timeout: 1 }))],
  // the kit for tests
  [
    'retentions is no option of EventSystem; did you mean retention?',
    () => createTestSystem(loose({ retentions: {} }))
  ],
  ['timeout is no option of settle(); did you mean timeoutMs?', () => kit.settle(loose({ timeout: 1 }))],
  [
    'timeout is no option of publishAndSettle(); did you mean timeoutMs?',
    () => kit.publishAndSettle([], loose({ timeout: 1 }))
  ],
  ['timeout is no option of waitFor(); did you mean timeoutMs?', () => waitFor(() => true, loose({ timeout: 1 }))]
]

describe('an option of another name is refused', () => {
  test.each(REFUSALS)('%s', async (sentence, call) => {
    const refusal = await (async () => call())().then(
      () => undefined,
      (error) => error
    )

    expect(refusal?.message.split('\n')).toEqual([sentence])
    expect(['invalid_options', 'invalid_argument']).toContain(refusal.code)
  })

  test('each in a sentence of its own', () => {
    expect(() => configure(loose({ logPth: 'a', stremName: 'b' }))).toThrow(
      'logPth is no option of EventSystem; did you mean logPath?\nstremName is no option of EventSystem; did you mean streamName?'
    )
  })
})
