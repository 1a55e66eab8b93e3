import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { EventSystem } from '../../src/index.ts'
import { type ExposedPath, SqliteStorage } from '../../src/log/sqlite/index.ts'
import type { Logger } from '../../src/runtime/index.ts'
import { signal } from '../support/events.ts'

const entry = { eventId: 'a', eventType: 'order_executed', payload: 'payload' }
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tradpal-modes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

/** Files are created as openly as this process allows: with every permission that is asked for. */
function withoutUmask(): void {
  const before = process.umask(0)
  onTestFinished(() => void process.umask(before))
}

/** Opens a log, appends to it, and says what was exposed. */
async function opened(path: string): Promise<ExposedPath[]> {
  const exposed: ExposedPath[] = []
  const storage = new SqliteStorage({ path, onExposed: (paths) => void exposed.push(...paths) })
  onTestFinished(() => storage.close())
  await storage.start()
  await storage.log.append([entry])
  return exposed
}

describe.skipIf(process.platform === 'win32')('an embedded log', () => {
  test('is created for its owner alone, with its folders and the files beside it, whatever the umask is', async () => {
    withoutUmask()
    const path = join(folder, 'new', 'folder', 'events.db')
    expect(await opened(path)).toEqual([])
    for (const end of ['', '-wal', '-shm']) expect(modeOf(path + end), end).toBe('600')
    for (const made of ['new', 'new/folder']) expect(modeOf(join(folder, made))).toBe('700')
  })

  test('leaves nothing else in its folder', async () => {
    await opened(join(folder, 'events.db'))
    expect(readdirSync(folder).toSorted()).toEqual(['events.db', 'events.db-shm', 'events.db-wal'])
  })

  test('is created for its owner alone behind a link, too', async () => {
    withoutUmask()
    mkdirSync(join(folder, 'disk'), { mode: 0o700 })
    symlinkSync(join(folder, 'disk', 'real.db'), join(folder, 'events.db'))
    expect(await opened(join(folder, 'events.db'))).toEqual([])
    for (const end of ['', '-wal', '-shm']) expect(modeOf(join(folder, 'disk', `real.db${end}`)), end).toBe('600')
  })

  test('keeps the mode of a file that is there, gives it to the files beside it, and says what others can read', async () => {
    const path = join(folder, 'events.db')
    writeFileSync(path, '')
    chmodSync(path, 0o640)
    const exposed = ['', '-wal', '-shm'].map((end) => ({ path: path + end, mode: 0o640 }))
    expect(await opened(path)).toEqual(exposed)
    for (const end of ['', '-wal', '-shm']) expect(modeOf(path + end), end).toBe('640')
  })

  test('says when anybody can replace its file, and not when only its owner can', async () => {
    const path = join(folder, 'events.db')
    chmodSync(folder, 0o777)
    expect(await opened(path)).toEqual([{ path: folder, mode: 0o777 }])
    chmodSync(folder, 0o1777)
    expect(await opened(path)).toEqual([])
    chmodSync(folder, 0o755)
    expect(await opened(path)).toEqual([])
  })
})

describe.skipIf(process.platform === 'win32')('a system', () => {
  test('warns once of each exposed file of its log, its spool and its audit log', async () => {
    const warned: object[] = []
    const logger: Logger = {
      ...{ debug: () => {}, info: () => {}, error: () => {} },
      warn: (values, message) => void (/can use a file/.test(message) && warned.push(values)),
      child: () => logger
    }
    const logPath = join(folder, 'events.db')
    const spoolPath = join(folder, 'spool.db')
    for (const path of [logPath, spoolPath, `${logPath}.audit.db`]) {
      writeFileSync(path, '')
      chmodSync(path, 0o644)
    }
    await using system = new EventSystem({ logPath, spoolPath, logger, environment: {} })
    await system.initialize()
    await system.publishEvent(signal())
    for (let time = 0; time < 2; time += 1) {
      const { storage } = system.auditLog()
      await storage.start()
      await storage.close()
    }
    const ends = ['', '-wal', '-shm']
    const expected = [logPath, spoolPath, `${logPath}.audit.db`].flatMap((path) => ends.map((end) => path + end))
    expect(warned).toHaveLength(expected.length)
    expect(warned).toEqual(expect.arrayContaining(expected.map((path) => ({ path, mode: '644' }))))
  })
})
