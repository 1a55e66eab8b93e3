import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Hold, Storage, Unit } from '../../src/log/port.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

/** While it runs, the statement with this number fails, counted from 0, as a disk that fails would make it. */
async function withFaultAt(number: number, call: () => Promise<unknown>): Promise<{ met: boolean; error: unknown }> {
  const original = {
    run: StatementSync.prototype.run,
    get: StatementSync.prototype.get,
    all: StatementSync.prototype.all
  }
  let count = 0
  let met = false
  for (const name of ['run', 'get', 'all'] as const) {
    StatementSync.prototype[name] = function (this: StatementSync, ...values: never[]) {
      if (count++ === number) {
        met = true
        throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })
      }
      return (original[name] as (...values: never[]) => never).apply(this, values)
    }
  }
  try {
    await call()
    return { met, error: undefined }
  } catch (error) {
    return { met, error }
  } finally {
    Object.assign(StatementSync.prototype, original)
  }
}

async function newLog(): Promise<SqliteStorage> {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-sqlite-'))
  const storage = new SqliteStorage({ path: join(folder, 'log.db') })
  onTestFinished(async () => {
    await storage.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await storage.start()
  return storage
}

/** All that the file says, times aside. */
function contentsOf(storage: Storage): unknown {
  const database = new DatabaseSync(storage.location, { readOnly: true })
  const tables = ['state', 'entries', 'recent', 'groups', 'pending', 'versions', 'cursors', 'documents']
  const contents = tables.map((table) => [table, database.prepare(`SELECT * FROM ${table}`).all()])
  database.close()
  return contents
}

const entries = (name: string) =>
  Array.from({ length: 3 }, (_, index) => ({ eventId: `${name}-${index}`, eventType: 'order_executed', payload: name }))

const ROUNDS = 200

describe('when any one statement fails, nothing is half done and the next try does it whole', () => {
  test.each<[string, (storage: Storage) => Promise<unknown>]>([
    ['append', (storage) => storage.log.append([...entries('new'), ...entries('old')])],
    ['read', (storage) => storage.queue('group').read('consumer', { limit: 10, waitMs: 0 })],
    ['acknowledge', async (storage) => storage.queue('group').acknowledge('consumer', await heldBy(storage))],
    ['claim', (storage) => storage.queue('group').claim('heir', { minIdleMs: 0, limit: 10 })],
    ['release', async (storage) => storage.queue('group').release('consumer', await heldBy(storage))],
    ['create', (storage) => storage.queue('another').create('start')],
    ['commit', (storage) => commitUnits(storage)],
    ['rewrite', (storage) => rewriteFirst(storage)],
    ['destroy', (storage) => storage.queue('group').destroy()],
    ['trim', (storage) => storage.log.trim({ maxLength: 0 }, { force: true })],
    [
      'remove',
      async (storage) =>
        storage.log.remove(
          (await storage.log.read({ limit: 2 })).entries.map(({ messageId }) => messageId),
          { force: true }
        )
    ]
  ])('%s', async (_, call) => {
    let failures = 0
    for (let number = 0; number < ROUNDS; number += 1) {
      const storage = await newLog()
      await storage.log.append(entries('old'))
      await storage.queue('group').create('start')
      await storage.queue('group').read('consumer', { limit: 2, waitMs: 0 })
      const [first] = await heldBy(storage)
      if (first !== undefined) await storage.queue('group').acknowledge('consumer', [first])
      await storage.cursors.create('cursor', 'start')
      await storage.leases.acquire(['lease'], { holder: 'holder', ttlMs: 60_000 })
      const before = contentsOf(storage)
      const { met, error } = await withFaultAt(number, () => call(storage))
      if (!met) {
        expect(error).toBeUndefined()
        expect(failures).toBeGreaterThan(2)
        return
      }
      failures += 1
      expect(error).toMatchObject({ code: 'log_failed' })
      expect(contentsOf(storage)).toEqual(before)
      await call(storage)
      expect(contentsOf(storage)).not.toEqual(before)
      await storage.close()
    }
    expect.fail('no round passed without a fault')
  })
})

/** The second is refused after it has done all else. */
async function commitUnits(storage: Storage): Promise<void> {
  const [{ token = 0 } = {}] = await storage.leases.list('lease')
  const [first] = (await storage.log.read({ limit: 1 })).entries
  const held = (await heldBy(storage)).map((hold) => ({ group: 'group', consumer: 'consumer', ...hold }))
  const attach = held.map((hold) => ({ ...hold, text: 'text', if: hold }))
  const requeue = [{ group: 'group', messageId: first?.messageId ?? '', attachment: 'text' }]
  const unit = (name: string, more: Unit['write'] = []): Unit => ({
    fence: [{ lease: 'lease', token }],
    cursors: [{ name: 'cursor', to: first?.messageId ?? '' }],
    append: { entries: entries(name).map((entry) => ({ ...entry, streamKey: 'key' })) },
    write: [
      { collection: 'documents', id: name, value: name },
      { collection: { name: 'steps', keepMs: 60_000 }, id: name, value: name, expected: 0 },
      ...more
    ]
  })
  const refusing = [{ collection: 'documents', id: 'one', value: 'twice', expected: 0 }]
  const results = await storage.commit([
    { ...unit('one'), attach, requeue },
    { ...unit('two', refusing), acknowledge: held },
    { ...unit('three'), acknowledge: held }
  ])
  expect(results).toMatchObject([{ kind: 'committed' }, { kind: 'refused' }, { kind: 'committed' }])
  const appended = results.flatMap((result) => (result.kind === 'committed' ? result.appended : []))
  expect(appended.map(({ duplicate, version }) => [duplicate, version])).toEqual(
    [1, 2, 3, 4, 5, 6].map((version) => [false, version])
  )
}

async function heldBy(storage: Storage): Promise<Hold[]> {
  const pending = await storage.queue('group').pending({ limit: 10 })
  return pending.map(({ messageId, deliveries }) => ({ messageId, attempt: deliveries }))
}

async function rewriteFirst(storage: Storage): Promise<void> {
  const [first] = (await storage.log.read({ limit: 1 })).entries
  await storage.log.rewrite?.([{ messageId: first?.messageId ?? '', from: first?.payload ?? '', to: 'another' }])
}
