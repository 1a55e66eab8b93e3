import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { OtherProcess } from '../../src/log/conformance/child-process.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'log.db')
}

async function open(path: string, now: () => number = Date.now): Promise<SqliteStorage> {
  const storage = new SqliteStorage({ path, clock: { ...systemClock, now } })
  onTestFinished(() => storage.close())
  await storage.start()
  return storage
}

let made = 0
const entry = () => ({ eventId: `event-${made++}`, eventType: 'order_executed', payload: 'payload' })

describe('an embedded log and time', () => {
  test('ids grow strictly when the clock steps back, and tell the time again when it has caught up', async () => {
    let now = 1_800_000_000_000
    const storage = await open(newPath(), () => now)
    const [first] = await storage.log.append([entry()])
    expect(first?.messageId).toBe('1800000000000-0')
    now -= 60_000
    const [second] = await storage.log.append([entry()])
    expect(second?.messageId).toBe('1800000000000-1')
    now += 120_000
    const [third] = await storage.log.append([entry()])
    expect(third?.messageId).toBe('1800000060000-0')
  })

  test('more entries than a millisecond has ids for run on into the next', async () => {
    const storage = await open(newPath(), () => 1_800_000_000_000)
    const results = await storage.log.append(Array.from({ length: 5_000 }, entry))
    expect(results.at(-1)?.messageId).toBe('1800000000002-903')
    const ids = results.map(({ messageId }) => messageId)
    expect(ids.toSorted(storage.log.compare.bind(storage))).toEqual(ids)
  })

  test('the deduplication window goes by the clock, to the millisecond', async () => {
    let now = 1_800_000_000_000
    const storage = await open(newPath(), () => now)
    const repeated = entry()
    await storage.log.append([repeated])
    now += 120_000
    expect(await storage.log.append([repeated])).toMatchObject([{ duplicate: true }])
    now += 1
    expect(await storage.log.append([repeated])).toMatchObject([{ duplicate: false }])
    expect(await storage.log.append([repeated])).toMatchObject([{ duplicate: true }])
    expect((await storage.log.info()).deduplicationEntries).toBe(1)
  })

  test('the deduplication window may begin anywhere within what was appended at once, in a handle that wrote it and in one that did not', async () => {
    let now = 1_800_000_000_000
    const path = newPath()
    const storage = await open(path, () => now)
    const entries = Array.from({ length: 5_000 }, entry)
    await storage.log.append(entries)
    // Out of the window is the first millisecond, which has 2,048 ids.
    now += 120_001
    for (const handle of [storage, await open(path, () => now)]) {
      expect((await handle.log.info()).deduplicationEntries).toBe(5_000 - 2_048)
      const repeated = [4_999, 2_048, 3_000].map((index) => entries[index] as (typeof entries)[number])
      expect(await handle.log.append(repeated)).toEqual([
        { messageId: '1800000000002-903', duplicate: true },
        { messageId: '1800000000001-0', duplicate: true },
        { messageId: '1800000000001-952', duplicate: true }
      ])
    }
    expect(await storage.log.append([entries[2_047] as (typeof entries)[number]])).toMatchObject([{ duplicate: false }])
  })

  test('what a handle with a shorter deduplication window has forgotten is appended again; what it appended itself is known', async () => {
    let now = 1_800_000_000_000
    const path = newPath()
    const storage = await open(path, () => now)
    const forgotten = entry()
    await storage.log.append([forgotten])
    now += 10_000
    const hasty = new SqliteStorage({ path, deduplicationWindowMs: 1_000, clock: { ...systemClock, now: () => now } })
    onTestFinished(() => hasty.close())
    await hasty.start()
    const others = Array.from({ length: 1_000 }, entry)
    await hasty.log.append(others)
    expect(await storage.log.append([forgotten])).toMatchObject([{ duplicate: false }])
    expect((await storage.log.append(others)).every(({ duplicate }) => duplicate)).toBe(true)
  })

  test('what leaves the deduplication window leaves the file, after large appends and small ones', async () => {
    let now = 1_800_000_000_000
    const path = newPath()
    const storage = await open(path, () => now)
    await storage.log.append(
      Array.from({ length: 100_000 }, (_, index) => ({ ...entry(), ...(index % 1_000 === 0 && { streamKey: 'key' }) }))
    )
    now += 240_000
    const database = new DatabaseSync(path, { readOnly: true })
    const count = () => database.prepare('SELECT count(*) AS rows FROM recent').get()?.rows
    expect(count()).toBe(100_000)
    for (let i = 0; i < 40; i++) await storage.log.append(Array.from({ length: 1_000 }, entry))
    expect(count()).toBe(40_000)
    database.close()
  })

  test('the deduplication window holds over many thousands of events, in a handle that wrote them and in one that did not', async () => {
    const path = newPath()
    const storage = await open(path)
    const entries = Array.from({ length: 20_000 }, entry)
    for (let start = 0; start < entries.length; start += 2_000)
      await storage.log.append(entries.slice(start, start + 2_000))
    for (const handle of [storage, await open(path)]) {
      const results = await handle.log.append(entries)
      expect(results.every(({ duplicate }) => duplicate)).toBe(true)
    }
    expect((await storage.log.info()).length).toBe(20_000)
  })

  test('what a process appends reaches a tail in another within 10 ms', { timeout: 60_000 }, async () => {
    const path = newPath()
    const storage = await open(path)
    const child = { module: new URL('./sqlite-in-child.ts', import.meta.url).href, options: { path } }
    await using other = await OtherProcess.start({ child })
    const delays: number[] = []
    for (let round = 0; round < 20; round += 1) {
      const seen = other.progress.length
      const answer = other.run('awaitNext', {})
      await expect.poll(() => other.progress.length, { interval: 2 }).toBe(seen + 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
      const appendedAt = performance.timeOrigin + performance.now()
      await storage.log.append([entry()])
      const { seenAt } = (await answer) as { seenAt: number }
      delays.push(seenAt - appendedAt)
    }
    delays.sort((a, b) => a - b)
    expect(delays[10], `ms, sorted: ${delays.map((delay) => delay.toFixed(1)).join(' ')}`).toBeLessThan(10)
  })

  test('a document of an expiring collection is kept for keepMs, to the millisecond, and leaves the file with later writes', async () => {
    let now = 1_800_000_000_000
    const path = newPath()
    const storage = await open(path, () => now)
    const steps = { name: 'steps', keepMs: 1_000 }
    const put = (id: string) => ({ write: [{ collection: steps, id, value: 'value', expected: 0 }] })
    const ids = Array.from({ length: 100 }, (_, index) => `${index}`)
    await storage.commit(ids.map(put))
    now += 999
    expect(await storage.commit([put('0')])).toMatchObject([{ kind: 'refused' }])
    expect(await storage.collections.get(steps, ['0'])).toEqual([{ id: '0', value: 'value', revision: 0 }])
    now += 1
    expect(await storage.collections.get(steps, ['0'])).toEqual([undefined])
    expect(await storage.commit([put('0')])).toMatchObject([{ kind: 'committed' }])
    for (let write = 0; write < 40; write += 1) {
      await storage.commit([{ write: [{ collection: 'others', id: 'one', value: `${write}` }] }])
    }
    const database = new DatabaseSync(path, { readOnly: true })
    const left = database.prepare("SELECT id FROM documents WHERE collection = 'steps'").all()
    database.close()
    expect(left).toEqual([{ id: '0' }])
  })

  test('revisions follow the clock, and grow when the clock steps back and when the file is lost', async () => {
    let now = 1_800_000_000_000
    const put = async (storage: SqliteStorage) => {
      await storage.commit([{ write: [{ collection: 'documents', id: 'one', value: 'value' }] }])
      return storage.collections.revision('documents')
    }
    const storage = await open(newPath(), () => now)
    expect(await put(storage)).toBe(1_800_000_000_000_000)
    expect(await put(storage)).toBe(1_800_000_000_000_001)
    now -= 60_000
    expect(await put(storage)).toBe(1_800_000_000_000_002)
    now += 60_001
    expect(await put(await open(newPath(), () => now))).toBe(1_800_000_000_001_000)
  })
})
