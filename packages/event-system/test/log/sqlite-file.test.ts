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
import { SqliteStorage, type SqliteStorageOptions } from '../../src/log/sqlite/index.ts'
import { openDatabase } from '../../src/log/sqlite/schema.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function open(options: SqliteStorageOptions): Promise<SqliteStorage> {
  const storage = new SqliteStorage(options)
  onTestFinished(() => storage.close())
  await storage.start()
  return storage
}

const entry = (eventId: string, payload = 'payload') => ({ eventId, eventType: 'order_executed', payload })
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: EventSystemError) => error
  )

describe('the file of an embedded log', () => {
  test('is created with its folders', async () => {
    const path = join(newFolder(), 'a', 'b', 'log.db')
    await open({ path })
    expect(existsSync(path)).toBe(true)
  })

  test.each<[what: string, change: (path: string) => void]>([
    ['was removed', (path) => rmSync(path)],
    [
      'was replaced by another log',
      (path) => {
        rmSync(path)
        openDatabase(path, 'os').close()
      }
    ]
  ])('takes and answers nothing once it %s', async (_what, change) => {
    const path = join(newFolder(), 'log.db')
    const storage = await open({ path })
    await storage.log.append([entry('before')])

    change(path)

    for (const call of [
      () => storage.log.append([entry('lost')]),
      () => storage.log.read({ limit: 1 }),
      () => storage.log.info(),
      () => storage.ping()
    ]) {
      expect(await failure(call())).toMatchObject({
        code: 'log_unavailable',
        retryable: true,
        message: expect.stringContaining('was removed or replaced while it was open; nothing was written.')
      })
    }
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
    const error = await failure(new SqliteStorage({ path }).start())
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
    expect((await failure(new SqliteStorage({ path }).start()))?.code).toBe('log_incompatible')
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test.each([
    [1, /export its events with the version that wrote it, and import them into a new file\.$/],
    [9, /export its events with the version that wrote it, and import them into a new file\.$/],
    [12, /use a newer one\.$/],
    [99, /use a newer one\.$/]
  ])(
    'a log of version %i is refused with log_incompatible, by version, with what to do, and left as it is',
    async (version, remedy) => {
      const path = join(newFolder(), 'log.db')
      await (await open({ path })).close()
      const database = new DatabaseSync(path)
      database.exec(`PRAGMA user_version = ${version}; PRAGMA journal_mode = DELETE`)
      database.close()
      const bytes = readFileSync(path)
      const error = await failure(new SqliteStorage({ path }).start())
      expect(error?.code).toBe('log_incompatible')
      expect(error?.message).toContain(`version ${version},`)
      expect(error?.message).toMatch(remedy)
      expect(readFileSync(path).equals(bytes)).toBe(true)
    }
  )

  test('a folder is refused with log_incompatible', async () => {
    const path = newFolder()
    expect((await failure(new SqliteStorage({ path }).start()))?.code).toBe('log_incompatible')
    expect(readdirSync(path)).toEqual([])
  })

  test('a file that may not be written is refused with log_read_only and left as it is', async () => {
    const folder = newFolder()
    const path = join(folder, 'log.db')
    await (await open({ path })).close()
    const bytes = readFileSync(path)
    chmodSync(path, 0o444)
    chmodSync(folder, 0o755)
    const error = await asSomebodyWithoutRights(() => failure(new SqliteStorage({ path }).start()))
    expect(error?.code).toBe('log_read_only')
    expect(error?.retryable).toBe(false)
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test('a full disk rejects an append with log_full, writes nothing of it, and takes the next when there is room', async (context) => {
    const folder = newFolder()
    const disk = join(folder, 'disk')
    if (!mountSmallDisk(disk)) return context.skip('a small disk can be mounted by root only')
    const storage = await open({ path: join(disk, 'log.db') })
    await storage.log.append([entry('first')])
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(2_500_000))
    const batch = Array.from({ length: 20 }, (_, index) => entry(`big-${index}`, 'x'.repeat(100_000)))
    const error = await failure(storage.log.append(batch))
    expect(error?.code).toBe('log_full')
    expect(error?.retryable).toBe(true)
    expect((await storage.log.read({ limit: 100 })).entries.length).toBe(1)
    rmSync(ballast)
    const results = await storage.log.append(batch.slice(0, 5))
    expect(results.every(({ duplicate }) => !duplicate)).toBe(true)
    expect((await storage.log.info()).length).toBe(6)
    await storage.close()
  })

  test('has nothing of a document that was erased, wherever earlier writes and others beside it moved it', async () => {
    const path = join(newFolder(), 'log.db')
    const storage = await open({ path })
    const secret = 'a secret that is to be gone'
    const write = (id: string, value: string) => storage.commit([{ write: [{ collection: 'keys', id, value }] }])
    const step = (id: string) =>
      storage.commit([{ write: [{ collection: { name: 'steps', keepMs: 1 }, id, value: 'x'.repeat(300) }] }])
    for (let i = 0; i < 200; i += 1) {
      await write(`${i % 50}`, `${i}`.repeat(1 + (i % 7) * 20))
      await write('secret', `${secret}${'.'.repeat((i * 37) % 1_500)}`)
      await step(`${i}`)
    }
    const traces = () =>
      readdirSync(join(path, '..')).filter((name) => readFileSync(join(path, '..', name)).includes(secret))
    expect(traces()).not.toEqual([])
    const [document] = await storage.collections.get('keys', ['secret'])
    expect(await storage.collections.erase('keys', 'secret', 'gone', document?.revision ?? 0)).toMatchObject({
      remains: null
    })
    expect(traces()).toEqual([])
    expect(await storage.collections.get('keys', ['secret'])).toMatchObject([{ value: 'gone' }])
  })

  test('options that are wrong are refused with invalid_options', () => {
    const wrong = [
      { path: '' },
      { durability: 'none' as 'os' },
      { timeoutMs: -1 },
      { deduplicationWindowMs: Number.NaN }
    ]
    for (const options of wrong)
      expect(() => new SqliteStorage(options)).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })

  test('a log that another process holds for too long rejects with log_busy, and answers readers meanwhile', async () => {
    const path = join(newFolder(), 'log.db')
    const storage = await open({ path, timeoutMs: 200 })
    await storage.log.append([entry('first')])
    const holder = new DatabaseSync(path)
    holder.exec('BEGIN IMMEDIATE')
    expect((await failure(storage.log.append([entry('second')])))?.code).toBe('log_busy')
    expect((await failure(storage.log.append([entry('second')], { timeoutMs: 50 })))?.code).toBe('log_busy')
    expect((await storage.log.read({ limit: 10 })).entries.length).toBe(1)
    const waiting = storage.log.append([entry('third')], { timeoutMs: 10_000 })
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
