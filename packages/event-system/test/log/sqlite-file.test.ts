import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EventSystemError } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SqliteLog, type SqliteLogOptions } from '../../src/log/sqlite/index.ts'
import { openDatabase } from '../../src/log/sqlite/schema.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function open(options: SqliteLogOptions): Promise<SqliteLog> {
  const log = new SqliteLog(options)
  onTestFinished(() => log.close())
  await log.start()
  return log
}

const entry = (eventId: string, payload = 'payload') => ({ eventId, eventType: 'order_executed', payload })
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: EventSystemError) => error
  )

/** What a log of version 1 was made by. */
const VERSION_1 = `
  CREATE TABLE state (
    last_id INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL, bytes INTEGER NOT NULL, moves INTEGER NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (0, 0, 0, 0, 0);
  CREATE TABLE entries (id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, event_type TEXT NOT NULL, payload TEXT NOT NULL) STRICT;
  CREATE INDEX entries_by_type ON entries (event_type, id);
  CREATE TABLE recent (id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, event_id TEXT NOT NULL) STRICT;
  CREATE TABLE groups (name TEXT PRIMARY KEY, last_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pending (
    grp TEXT NOT NULL, id INTEGER NOT NULL, consumer TEXT NOT NULL, delivered_at INTEGER NOT NULL, deliveries INTEGER NOT NULL,
    PRIMARY KEY (grp, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE consumers (grp TEXT NOT NULL, name TEXT NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY (grp, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT NOT NULL, entry_id INTEGER NOT NULL, consumer TEXT NOT NULL, payload TEXT,
    raw TEXT, kind TEXT NOT NULL, reason TEXT NOT NULL, stack TEXT, attempts INTEGER NOT NULL, dead_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX dead_letters_by_group ON dead_letters (grp, id);
  PRAGMA application_id = 0x54504556;
  PRAGMA user_version = 1;
`

/** Makes a log what version 4 had made of it. */
const BACK_TO_4 = `
  CREATE TABLE recent_4 (id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, event_id TEXT NOT NULL, version INTEGER) STRICT;
  INSERT INTO recent_4
    SELECT recent.id + key, ordinal + key, value, (SELECT version FROM recent_versions WHERE id = recent.id + key)
    FROM recent, json_each(event_ids);
  DROP TABLE recent;
  DROP TABLE recent_versions;
  ALTER TABLE recent_4 RENAME TO recent;
  PRAGMA user_version = 4;
`
const BACK_TO_3 = `${BACK_TO_4} DROP TABLE records; PRAGMA user_version = 3;`
const BACK_TO_2 = `${BACK_TO_3} DROP TABLE versions; ALTER TABLE recent DROP COLUMN version; PRAGMA user_version = 2;`

describe('the file of an embedded log', () => {
  test('is created with its folders', async () => {
    const path = join(newFolder(), 'a', 'b', 'log.db')
    await open({ path })
    expect(existsSync(path)).toBe(true)
  })

  test('durability os syncs at checkpoints (NORMAL), disk at every commit (FULL), both in WAL', () => {
    const path = join(newFolder(), 'log.db')
    for (const [durability, synchronous] of [
      ['os', 1],
      ['disk', 2]
    ] as const) {
      const database = openDatabase(path, durability)
      expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous })
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
      database.close()
    }
  })

  test.each([
    ['a text', Buffer.from('This is a letter, not a log.\n')],
    ['many bytes of something else', Buffer.alloc(100_000, 'tradpal ')]
  ])('a file that is %s is refused with log_incompatible and left as it is', async (_, bytes) => {
    const folder = newFolder()
    const path = join(folder, 'log.db')
    writeFileSync(path, bytes)
    const error = await failure(new SqliteLog({ path }).start())
    expect(error).toBeInstanceOf(EventSystemError)
    expect(error?.code).toBe('log_incompatible')
    expect(error?.message).toContain(path)
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(readdirSync(folder)).toEqual(['log.db'])
  })

  test("somebody else's SQLite file is refused with log_incompatible and left as it is", async () => {
    const path = join(newFolder(), 'log.db')
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE prices (symbol TEXT); INSERT INTO prices VALUES (1)')
    database.close()
    const bytes = readFileSync(path)
    expect((await failure(new SqliteLog({ path }).start()))?.code).toBe('log_incompatible')
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test('a log of version 1 is carried over with all that it holds, and can be used at once', async () => {
    const path = join(newFolder(), 'log.db')
    const database = new DatabaseSync(path)
    database.exec(VERSION_1)
    const [first, second] = [1_767_225_600_000 * 2_048, 1_767_225_600_001 * 2_048]
    database.exec(`
      INSERT INTO entries VALUES (${first}, 1, 'order_executed', 'one'), (${second}, 2, 'order_executed', 'two');
      UPDATE state SET last_id = ${second}, added = 2, bytes = 6;
      INSERT INTO groups VALUES ('group', ${second});
      INSERT INTO pending VALUES ('group', ${second}, 'consumer', 0, 3);
      INSERT INTO dead_letters (grp, entry_id, consumer, payload, kind, reason, stack, attempts, dead_at)
      VALUES ('group', ${first}, 'consumer', 'one', 'exhausted', 'It failed.', NULL, 5, 1000);
    `)
    database.close()
    const log = await open({ path })
    const error = { message: 'It failed.', at: 1_000 }
    expect(await log.deadLetters.list({ limit: 10, group: 'group' })).toEqual([
      {
        id: '1',
        messageId: '1767225600000-0',
        group: 'group',
        consumer: 'consumer',
        handler: null,
        eventType: null,
        payload: 'one',
        kind: 'exhausted',
        attempts: 5,
        firstError: error,
        lastError: error,
        deadAt: 1_000
      }
    ])
    const claimed = await log.group('group').claim('heir', { minIdleMs: 0, limit: 10 })
    expect(claimed).toEqual([{ messageId: '1767225600001-0', payload: 'two', attempt: 4 }])
    await log.deadLetters.requeue('1', { by: 'an operator' })
    expect(await log.group('group').claim('heir', { minIdleMs: 3_600_000, limit: 10 })).toHaveLength(1)
  })

  test('a log of version 2 is carried over with its deduplication window, and counts stream keys from then on', async () => {
    const path = join(newFolder(), 'log.db')
    const before = await open({ path })
    const [old] = await before.append([entry('old')])
    await before.close()
    const database = new DatabaseSync(path)
    database.exec(BACK_TO_2)
    database.close()
    const log = await open({ path })
    const keyed = (eventId: string) => ({ ...entry(eventId), streamKey: 'key' })
    expect(await log.append([keyed('old'), keyed('new')])).toEqual([
      { messageId: old?.messageId, duplicate: true },
      { messageId: expect.any(String), duplicate: false, version: 1 }
    ])
    expect(await log.versionOf('key')).toBe(1)
  })

  test('a log of version 3 is carried over, and keeps records from then on', async () => {
    const path = join(newFolder(), 'log.db')
    const before = await open({ path })
    await before.append([entry('old')])
    await before.close()
    const database = new DatabaseSync(path)
    database.exec(BACK_TO_3)
    database.close()
    const log = await open({ path })
    expect((await log.info()).length).toBe(1)
    expect(await log.records.put('keys', 'a', 'one')).toBe(1)
  })

  test('a log of version 4 is carried over with its deduplication window, and the versions in it', async () => {
    const path = join(newFolder(), 'log.db')
    const before = await open({ path })
    const keyed = (eventId: string) => ({ ...entry(eventId), streamKey: 'key' })
    const old = await before.append([entry('one'), keyed('two'), keyed('three')])
    await before.close()
    const database = new DatabaseSync(path)
    database.exec(BACK_TO_4)
    database.close()
    const log = await open({ path })
    expect((await log.info()).deduplicationEntries).toBe(3)
    expect(await log.append([keyed('three'), keyed('four'), keyed('two'), entry('one')])).toEqual([
      { ...old[2], duplicate: true },
      { messageId: expect.any(String), duplicate: false, version: 3 },
      { ...old[1], duplicate: true },
      { ...old[0], duplicate: true }
    ])
  })

  test('a log of a newer version is refused with log_incompatible, by version, and left as it is', async () => {
    const path = join(newFolder(), 'log.db')
    await (await open({ path })).close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99; PRAGMA journal_mode = DELETE')
    database.close()
    const bytes = readFileSync(path)
    const error = await failure(new SqliteLog({ path }).start())
    expect(error?.code).toBe('log_incompatible')
    expect(error?.message).toContain('version 99')
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test('a folder is refused with log_incompatible', async () => {
    const path = newFolder()
    expect((await failure(new SqliteLog({ path }).start()))?.code).toBe('log_incompatible')
    expect(readdirSync(path)).toEqual([])
  })

  test('a file that may not be written is refused with log_read_only and left as it is', async () => {
    const folder = newFolder()
    const path = join(folder, 'log.db')
    await (await open({ path })).close()
    const bytes = readFileSync(path)
    chmodSync(path, 0o444)
    chmodSync(folder, 0o755)
    const error = await asSomebodyWithoutRights(() => failure(new SqliteLog({ path }).start()))
    expect(error?.code).toBe('log_read_only')
    expect(error?.retryable).toBe(false)
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test('a full disk rejects an append with log_full, writes nothing of it, and takes the next when there is room', async (context) => {
    const folder = newFolder()
    const disk = join(folder, 'disk')
    if (!mountSmallDisk(disk)) return context.skip('a small disk can be mounted by root only')
    const log = await open({ path: join(disk, 'log.db') })
    await log.append([entry('first')])
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(2_500_000))
    const batch = Array.from({ length: 20 }, (_, index) => entry(`big-${index}`, 'x'.repeat(100_000)))
    const error = await failure(log.append(batch))
    expect(error?.code).toBe('log_full')
    expect(error?.retryable).toBe(true)
    expect((await log.read({ limit: 100 })).length).toBe(1)
    rmSync(ballast)
    const results = await log.append(batch.slice(0, 5))
    expect(results.every(({ duplicate }) => !duplicate)).toBe(true)
    expect((await log.info()).length).toBe(6)
    await log.close()
  })

  test('options that are wrong are refused with invalid_options', () => {
    const wrong = [
      { path: '' },
      { durability: 'none' as 'os' },
      { timeoutMs: -1 },
      { deduplicationWindowMs: Number.NaN }
    ]
    for (const options of wrong)
      expect(() => new SqliteLog(options)).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })

  test('a log that another process holds for too long rejects with log_busy, and answers readers meanwhile', async () => {
    const path = join(newFolder(), 'log.db')
    const log = await open({ path, timeoutMs: 200 })
    await log.append([entry('first')])
    const holder = new DatabaseSync(path)
    holder.exec('BEGIN IMMEDIATE')
    expect((await failure(log.append([entry('second')])))?.code).toBe('log_busy')
    expect((await failure(log.append([entry('second')], { timeoutMs: 50 })))?.code).toBe('log_busy')
    expect((await log.read({ limit: 10 })).length).toBe(1)
    const waiting = log.append([entry('third')], { timeoutMs: 10_000 })
    holder.exec('COMMIT')
    holder.close()
    expect(await waiting).toMatchObject([{ duplicate: false }])
  })
})

/** Root may write anything: the call then runs as nobody. */
async function asSomebodyWithoutRights<Result>(call: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return call()
  process.seteuid?.('nobody')
  try {
    return await call()
  } finally {
    process.seteuid?.(0)
  }
}

function mountSmallDisk(folder: string): boolean {
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return false
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder])
  })
  return true
}
