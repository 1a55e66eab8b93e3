import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { OtherProcess } from '../../src/log/conformance/child-process.ts'
import { Checkpointer } from '../../src/log/sqlite/checkpointer.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { openDatabase } from '../../src/log/sqlite/schema.ts'
import { waitFor } from '../../src/testing/index.ts'

/** What whoever commits leaves in the write-ahead log when nobody helps, with its headers, in bytes. */
const ALONE_BYTES = 1_000 * (4_096 + 24) + 32
const BATCH = 100

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tradpal-checkpointer-'))
  path = join(folder, 'events.db')
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
})

/** A log's file, and who folds it, by a clock that the test moves. */
function opened({ at = path, idleMs = 60_000 } = {}) {
  const database = openDatabase(path, 'os')
  let now = 0
  const checkpointer = new Checkpointer(database, at, { idleMs, now: () => now })
  /** Commits so often within so long. */
  const commit = (times: number, withinMs: number) => {
    const from = now
    for (let i = 1; i <= times; i++) {
      now = from + (withinMs * i) / times
      checkpointer.committed()
    }
  }
  const pages = () => database.prepare('PRAGMA wal_autocheckpoint').get()?.wal_autocheckpoint
  const write = (text: string) =>
    database.exec(`INSERT INTO documents (collection, id, value, revision) VALUES ('k', '${text}', '', 1)`)
  const close = async () => {
    await checkpointer.close()
    if (database.isOpen) database.close()
  }
  onTestFinished(close)
  return { database, checkpointer, commit, pages, write, close }
}

describe('the thread that folds in the write-ahead log', () => {
  test('helps a log that is busy for a second, and no other', async () => {
    const { checkpointer, commit, pages } = opened()
    commit(199, 1_000)
    commit(10_000, 900)
    commit(3, 60_000)
    expect(checkpointer.isHelped).toBe(false)
    commit(250, 1_200)
    expect(checkpointer.isHelped).toBe(true)
    await waitFor(() => pages() === 8_000)
  })

  test('folds in what comes, while whoever commits has not to', async () => {
    const { commit, pages, write } = opened()
    commit(250, 1_000)
    await waitFor(() => pages() === 8_000)
    write('before')
    await waitFor(() => readFileSync(path).includes('before'))
    write('after')
    await waitFor(() => readFileSync(path).includes('after'))
  })

  test('ends when nothing comes any more, and then whoever commits does it', async () => {
    const { checkpointer, commit, pages } = opened({ idleMs: 50 })
    commit(250, 1_000)
    await waitFor(() => pages() === 8_000)
    await waitFor(() => !checkpointer.isHelped)
    expect(pages()).toBe(1_000)
    commit(250, 1_000)
    expect(checkpointer.isHelped).toBe(true)
  })

  test('ends before the log is closed, which leaves one whole file', async () => {
    const { checkpointer, commit, pages, write, close } = opened()
    commit(250, 1_000)
    await waitFor(() => pages() === 8_000)
    write('last')
    await close()
    expect(checkpointer.isHelped).toBe(false)
    expect([existsSync(`${path}-wal`), existsSync(`${path}-shm`)]).toEqual([false, false])
    expect(readFileSync(path).includes('last')).toBe(true)
  })

  test('that cannot do it leaves it to whoever commits, makes no file, and is not tried again', async () => {
    const elsewhere = join(folder, 'moved.db')
    const { checkpointer, commit, pages } = opened({ at: elsewhere })
    commit(250, 1_000)
    expect(checkpointer.isHelped).toBe(true)
    await waitFor(() => !checkpointer.isHelped)
    expect(pages()).toBe(1_000)
    commit(250, 1_000)
    expect(checkpointer.isHelped).toBe(false)
    expect(existsSync(elsewhere)).toBe(false)
  })

  test('is done without in a process that may start none, and each append is told as what it is', () => {
    const source = new URL('../../src/log/sqlite/index.ts', import.meta.url).href
    const script = `
      import { SqliteStorage } from '${source}'
      const storage = new SqliteStorage({ path: '${path}' })
      await storage.start()
      const [from, wanted] = [performance.now(), 300]
      for (let i = 0; i < wanted || performance.now() - from < 1_200; i++) {
        await storage.log.append([{ eventId: 'e' + i, eventType: 't', payload: '{}' }])
      }
      await storage.close()
      console.log('closed')`
    const allowed = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*']
    const flags = [...allowed, '--conditions=tradpal-source', '--input-type=module', '--eval', script]
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('closed\n')
  })

  test('a process that is killed while it works leaves each batch that was confirmed, and a file that is whole', {
    timeout: 60_000
  }, async () => {
    const child = { module: new URL('./sqlite-in-child.ts', import.meta.url).href, options: { path } }
    for (let round = 0; round < 3; round++) {
      const known = round === 0 ? 0 : await count()
      await using other = await OtherProcess.start({ child })
      other.begin('appendBatches', { size: BATCH })
      // Larger than a process by itself lets it become: it is helped.
      await waitFor(() => existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 2 * ALONE_BYTES, {
        timeoutMs: 20_000
      })
      await other.kill()
      const added = (await count()) - known
      expect(added % BATCH).toBe(0)
      expect(added).toBeGreaterThanOrEqual(other.progress.length * BATCH)
    }
    const database = new DatabaseSync(path)
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    database.close()
  })
})

async function count(): Promise<number> {
  const storage = new SqliteStorage({ path })
  await storage.start()
  const { length } = await storage.log.info()
  await storage.close()
  return length
}
