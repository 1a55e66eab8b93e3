import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EventLog } from '../../src/log/port.ts'
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
  const tables = ['state', 'entries', 'recent', 'groups', 'pending', 'dead_letters']
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
    ['acknowledge', async (log) => log.group('group').acknowledge(await heldBy(log))],
    ['claim', (log) => log.group('group').claim('heir', { minIdleMs: 0, limit: 10 })],
    ['release', async (log) => log.group('group').release('consumer', await heldBy(log))],
    ['deadLetter', async (log) => log.group('group').deadLetter((await heldBy(log)).map(letterOf))],
    ['requeue', (log) => log.deadLetters.requeue('1')],
    ['destroy', (log) => log.group('group').destroy()],
    ['trim', (log) => log.trim({ maxLength: 0 }, { force: true })]
  ])('%s', async (_, call) => {
    let failures = 0
    for (let number = 0; number < ROUNDS; number += 1) {
      const log = await newLog()
      await log.append(entries('old'))
      await log.group('group').create('start')
      await log.group('group').read('consumer', { limit: 2, waitMs: 0 })
      await log.group('group').deadLetter([letterOf((await heldBy(log))[0] ?? '')])
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

async function heldBy(log: EventLog): Promise<string[]> {
  return (await log.group('group').pending({ limit: 10 })).map(({ messageId }) => messageId)
}

function letterOf(messageId: string) {
  return { messageId, payload: 'old', consumer: 'consumer', kind: 'rejected', reason: 'No.', attempts: 1 } as const
}
