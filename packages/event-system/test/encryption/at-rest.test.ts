import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvent, type Event, EventSystemError, EventType, registerEventType } from '@tradpal/events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { EventSystem, type EventSystemOptions } from '../../src/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { withFaults } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'

/** What an event says, and what is said about it, each by a mark of its own. */
const OF_AN_EVENT = ['MARK-SYMBOL', 'MARK-METADATA']
const MARKS = [...OF_AN_EVENT, 'MARK-ERROR', 'MARK-POINTER', 'MARK-STEP', 'MARK-EFFECT', 'MARK-REASON', 'MARK-AMENDED']
const FIGURES = { name: 'figures_at_rest', schema: { type: 'object', additionalProperties: { type: 'number' } } }
const FAST = { initialMs: 1, maxMs: 1 }

let server: RedisServer
let folder: string
beforeAll(async () => {
  const onDisk = { appendonly: 'yes', appendfsync: 'always', rdbcompression: 'no', 'aof-use-rdb-preamble': 'no' }
  server = await startRedis({ config: onDisk })
})
afterAll(() => server.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tradpal-at-rest-'))
  const client = await redisClient(server.url).connect()
  await client.flushAll()
  await client.sendCommand(['BGREWRITEAOF'])
  await waitFor(async () => /aof_rewrite_in_progress:0/.test(await client.info('persistence')))
  client.destroy()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function marked(): Event<'trading_signal'> {
  return createEvent(
    EventType.TRADING_SIGNAL,
    { symbol: 'MARK-SYMBOL', signal: 'BUY' },
    { metadata: { desk: 'MARK-METADATA' } }
  )
}

/** Leaves everything in the log that a log can hold. */
async function fill(options: EventSystemOptions): Promise<void> {
  await using system = new EventSystem({ environment: {}, validation: 'off', ...options })
  await system.initialize()
  registerEventType(FIGURES)
  system.registerHandler(FIGURES.name, () => {})
  const never = { backoff: { initialMs: 60_000, maxMs: 60_000 } }
  system.registerHandler('trading_signal', async (_, context) => {
    await context.once('ask', () => 'MARK-STEP')
    throw new Error('MARK-ERROR')
  })
  await system.startConsuming({ group: 'failing', from: 'start', maxAttempts: 2, backoff: FAST })
  await system.publishBatch([marked(), marked(), marked()])
  await waitFor(async () => (await system.deadLetters.count()) === 3)
  await system.publishEvent(createEvent(FIGURES.name, { 'MARK-POINTER': 'no figure' }, { validation: 'off' }))
  await waitFor(async () => (await system.deadLetters.count()) === 4)
  const [kept, amended, discarded, invalid] = await system.deadLetters.list()
  expect(invalid?.lastError.pointer).toBe('/data/MARK-POINTER')
  expect(kept?.lastError).toMatchObject({ message: 'MARK-ERROR', stack: expect.stringContaining('MARK-ERROR') })
  await system.subscriber.close()
  await system.deadLetters.requeue(amended?.id ?? '', { by: 'op', data: { symbol: 'MARK-AMENDED', signal: 'SELL' } })
  await system.deadLetters.discard(discarded?.id ?? '', { by: 'op', reason: 'MARK-REASON' })
  expect((await system.deadLetters.actions()).map(({ reason }) => reason)).toEqual([undefined, 'MARK-REASON'])

  await using other = new EventSystem({ environment: {}, ...options })
  await other.initialize()
  other.registerHandler('trading_signal', (_, context) => {
    context.publish(createEvent(EventType.SYSTEM_HEALTH, { service: 'MARK-EFFECT', status: 'healthy' } as never))
  })
  other.registerHandler('trading_signal', () => Promise.reject(new Error('MARK-ERROR')), never)
  await other.startConsuming({ group: 'retrying', from: 'start' })
  await waitFor(async () => (await other.groups.get('retrying')).retrying === 3)
  expect((await other.groups.pending('retrying'))[0]).toMatchObject({ lastError: 'MARK-ERROR', failures: 1 })
  await waitFor(async () => (await other.getEvents({ eventType: 'system_health' })).length === 3)
}

/** Which of the marks stand in the files of a folder, byte for byte. */
async function marksIn(where: string): Promise<string[]> {
  const files = (await readdir(where, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
  const bytes = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))))
  return MARKS.filter((mark) => bytes.some((content) => content.includes(mark)))
}

const encrypted = () => ({ encryption: { keysFile: keysFile('a'), metadata: true } })

describe('what stands on the disk of an embedded log', () => {
  const path = () => join(folder, 'log.db')

  it('says everything without encryption', async () => {
    await fill({ logPath: path() })
    expect(await marksIn(folder)).toEqual(MARKS)
  })

  it('says nothing of what events say with it, while it is open and when it is closed', async () => {
    const options = { logPath: path(), ...encrypted() }
    await using open = new EventSystem({ environment: {}, ...options })
    await open.initialize()
    await fill(options)
    expect((await readdir(folder)).toSorted()).toContain('log.db-wal')
    expect(await marksIn(folder)).toEqual([])
    await open.close()
    expect(await marksIn(folder)).toEqual([])
  })

  it('says the metadata where only the data is encrypted', async () => {
    await fill({ logPath: path(), encryption: { keysFile: keysFile('a') } })
    expect(await marksIn(folder)).toEqual(['MARK-METADATA'])
  })
})

describe('what Redis writes to its disk', () => {
  async function saved(): Promise<string[]> {
    const client = await redisClient(server.url).connect()
    await client.sendCommand(['SAVE'])
    client.destroy()
    const files = await readdir(server.dir, { recursive: true })
    expect(files.join()).toMatch(/dump\.rdb/)
    expect(files.join()).toMatch(/\.aof/)
    return marksIn(server.dir)
  }

  it('says everything without encryption', async () => {
    await fill({ redisUrl: server.url })
    expect(await saved()).toEqual(MARKS)
  })

  it('says nothing of what events say with it', async () => {
    await fill({ redisUrl: server.url, ...encrypted() })
    expect(await saved()).toEqual([])
  })
})

describe('what stands in a spool', () => {
  async function spool(options: EventSystemOptions): Promise<string[]> {
    const spoolFolder = join(folder, 'spool')
    const away = async () => {
      throw new EventSystemError('log_unavailable', 'The log is away.')
    }
    const storage = withFaults(new SqliteStorage({ path: join(folder, 'log.db') }), { append: away })
    await using system = new EventSystem({
      environment: {},
      storage,
      spoolPath: join(spoolFolder, 'spool.db'),
      ...options
    })
    await system.initialize()
    expect(await system.publish(marked(), { timeoutMs: 100 })).toMatchObject({ status: 'spooled' })
    return await marksIn(spoolFolder)
  }

  it('says everything without encryption, and nothing with it, the keys that order it included', async () => {
    expect(await spool({})).toEqual(OF_AN_EVENT)
    await rm(join(folder, 'spool'), { recursive: true })
    expect(await spool(encrypted())).toEqual([])
  })

  it('comes into the log when that is there again, in another process', async () => {
    const options = encrypted()
    await spool(options)
    const places = { logPath: join(folder, 'log.db'), spoolPath: join(folder, 'spool/spool.db') }
    await using system = new EventSystem({ environment: {}, ...places, ...options })
    await system.initialize()
    await waitFor(async () => (await system.getEventStats()).spool?.events === 0)
    expect(await system.getEvents()).toMatchObject([
      { data: { symbol: 'MARK-SYMBOL' }, metadata: { desk: 'MARK-METADATA' } }
    ])
  })
})
