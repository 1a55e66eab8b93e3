import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EventLog, Hold, Unit } from '../../src/log/port.ts'
import { SqliteLog } from '../../src/log/sqlite/index.ts'

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

async function newLog(): Promise<SqliteLog> {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-sqlite-'))
  const log = new SqliteLog({ path: join(folder, 'log.db') })
  onTestFinished(async () => {
    await log.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await log.start()
  return log
}

/** All that the file says, times aside. */
function contentsOf(log: EventLog): unknown {
  const database = new DatabaseSync(log.location, { readOnly: true })
  const tables = ['state', 'entries', 'recent', 'groups', 'pending', 'versions', 'cursors', 'documents']
  const contents = tables.map((table) => [table, database.prepare(`SELECT * FROM ${table}`).all()])
  database.close()
  return contents
}

const entries = (name: string) =>
  Array.from({ length: 3 }, (_, index) => ({ eventId: `${name}-${index}`, eventType: 'order_executed', payload: name }))

const ROUNDS = 200

describe('when any one statement fails, nothing is half done and the next try does it whole', () => {
  test.each<[string, (log: EventLog) => Promise<unknown>]>([
    ['append', (log) => log.append([...entries('new'), ...entries('old')])],
    ['read', (log) => log.group('group').read('consumer', { limit: 10, waitMs: 0 })],
    ['acknowledge', async (log) => log.group('group').acknowledge('consumer', await heldBy(log))],
    ['claim', (log) => log.group('group').claim('heir', { minIdleMs: 0, limit: 10 })],
    ['release', async (log) => log.group('group').release('consumer', await heldBy(log))],
    ['create', (log) => log.group('another').create('start')],
    ['commit', (log) => commitUnits(log)],
    ['rewrite', (log) => rewriteFirst(log)],
    ['destroy', (log) => log.group('group').destroy()],
    ['trim', (log) => log.trim({ maxLength: 0 }, { force: true })],
    [
      'remove',
      async (log) =>
        log.remove(
          (await log.read({ limit: 2 })).map(({ messageId }) => messageId),
          { force: true }
        )
    ]
  ])('%s', async (_, call) => {
    let failures = 0
    for (let number = 0; number < ROUNDS; number += 1) {
      const log = await newLog()
      await log.append(entries('old'))
      await log.group('group').create('start')
      await log.group('group').read('consumer', { limit: 2, waitMs: 0 })
      const [first] = await heldBy(log)
      if (first !== undefined) await log.group('group').acknowledge('consumer', [first])
      await log.cursors.create('cursor', 'start')
      await log.leases.acquire(['lease'], { holder: 'holder', ttlMs: 60_000 })
      const before = contentsOf(log)
      const { met, error } = await withFaultAt(number, () => call(log))
      if (!met) {
        expect(error).toBeUndefined()
        expect(failures).toBeGreaterThan(2)
        return
      }
      failures += 1
      expect(error).toMatchObject({ code: 'log_failed' })
      expect(contentsOf(log)).toEqual(before)
      await call(log)
      expect(contentsOf(log)).not.toEqual(before)
      await log.close()
    }
    expect.fail('no round passed without a fault')
  })
})

/** The second is refused after it has done all else. */
async function commitUnits(log: EventLog): Promise<void> {
  const [{ token = 0 } = {}] = await log.leases.list('lease')
  const [first] = await log.read({ limit: 1 })
  const held = (await heldBy(log)).map((hold) => ({ group: 'group', consumer: 'consumer', ...hold }))
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
  const results = await log.commit([
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

async function heldBy(log: EventLog): Promise<Hold[]> {
  const pending = await log.group('group').pending({ limit: 10 })
  return pending.map(({ messageId, deliveries }) => ({ messageId, attempt: deliveries }))
}

async function rewriteFirst(log: EventLog): Promise<void> {
  const [first] = await log.read({ limit: 1 })
  await log.rewrite([{ messageId: first?.messageId ?? '', from: first?.payload ?? '', to: 'another' }])
}
