import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { filtered, labelInPayload, labelledEntry, readPages } from '../../src/log/conformance/labelled.ts'
import type { Entry, EntryLabel, ReadRange, Storage } from '../../src/log/port.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

const TYPES = ['prices', 'orders', 'notes']
const KEYS = ['A', 'B', 'C', 'D', 'E', 'Ä "']
/** Few, so that many are equal; before the epoch, long ago, and to come. */
const TIMES = [-5, 0, 1_000, 1_001, Date.UTC(2026, 0, 1), Date.UTC(2999, 0, 1)]

const label: fc.Arbitrary<EntryLabel> = fc
  .record({
    eventType: fc.constantFrom(...TYPES),
    key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
    eventTime: fc.option(fc.constantFrom(...TIMES), { nil: undefined })
  })
  .map(({ eventType, key, eventTime }) => ({
    eventType,
    ...(key !== undefined && { key }),
    ...(eventTime !== undefined && { eventTime })
  }))
const labels = fc.array(label, { minLength: 1, maxLength: 15 })

const some = (names: readonly string[]) =>
  fc.option(fc.subarray([...names, 'none'], { maxLength: 3 }), { nil: undefined })
const instant = fc.option(fc.constantFrom(...TIMES), { nil: undefined })
const range: fc.Arbitrary<ReadRange & { since: number | undefined; until: number | undefined }> = fc
  .record({
    eventTypes: some(TYPES),
    keys: some(KEYS),
    time: fc.constantFrom('log', 'event'),
    direction: fc.constantFrom('forward', 'backward'),
    limit: fc.integer({ min: 1, max: 12 }),
    since: instant,
    until: instant
  })
  .map(({ eventTypes, keys, since, until, ...rest }) => ({
    ...rest,
    since,
    until,
    ...(eventTypes !== undefined && { eventTypes }),
    ...(keys !== undefined && { keys }),
    ...(since !== undefined && { from: { time: since } }),
    ...(until !== undefined && { to: { time: until } })
  }))

/** What a step does to the log that one of two handles has open. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ append: labels }) },
  { weight: 2, arbitrary: fc.record({ appendRefused: labels }) },
  { weight: 2, arbitrary: fc.record({ trimTo: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ removeNth: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ removeNewest: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ rekeyNth: fc.nat(40), key: fc.constantFrom(...KEYS, 'new') }) },
  { weight: 5, arbitrary: fc.record({ reads: fc.array(range, { minLength: 1, maxLength: 4 }) }) }
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

class Run {
  readonly #taken: Entry[] = []

  async take(storage: Storage, one: Step): Promise<void> {
    const { log } = storage
    if ('append' in one) {
      const results = await log.append(one.append.map(labelledEntry))
      this.#taken.push(...((await log.get(results.map(({ messageId }) => messageId))) as Entry[]))
    } else if ('appendRefused' in one) {
      // The document is looked at behind the append, which is then taken back.
      const append = { entries: one.appendRefused.map(labelledEntry) }
      const write = [{ collection: 'c', id: 'a', value: '', expected: 7 }]
      expect((await storage.commit([{ append, write }]))[0]?.kind).toBe('refused')
    } else if ('trimTo' in one) await log.trim({ maxLength: one.trimTo })
    else if ('removeNth' in one) {
      const entry = (await all(storage))[one.removeNth]
      if (entry !== undefined) await log.remove([entry.messageId])
    } else if ('removeNewest' in one) {
      // What is removed behind the last segment makes one: so a log has many.
      await log.remove((await all(storage)).slice(-one.removeNewest).map(({ messageId }) => messageId))
    } else if ('rekeyNth' in one) await this.#rekey(storage, one)
    else for (const range of one.reads) await compare(storage, range)
  }

  async #rekey(storage: Storage, { rekeyNth, key }: { rekeyNth: number; key: string }): Promise<void> {
    const entry = (await all(storage))[rekeyNth]
    if (entry?.payload == null) return
    const to = JSON.stringify({ ...labelInPayload(entry.payload), key })
    await storage.log.rewrite?.([{ messageId: entry.messageId, from: entry.payload, to, key }])
  }

  /** Each that was taken is counted once, also where it is gone. */
  async assertRates(storage: Storage): Promise<void> {
    const rates = await storage.log.rates?.({ per: 'hour', from: 0, to: Date.now() + 3_600_000 })
    const counted = (type: string) => rates?.reduce((sum, { counts }) => sum + (counts[type] ?? 0), 0)
    for (const type of TYPES) {
      const taken = this.#taken.filter(({ payload }) => labelInPayload(payload)?.eventType === type)
      expect(counted(type)).toBe(taken.length)
    }
  }
}

function all(storage: Storage): Promise<Entry[]> {
  return readPages(storage, { limit: 1_000 })
}

async function compare(
  storage: Storage,
  { since, until, ...range }: ReadRange & { since: number | undefined; until: number | undefined }
) {
  const bounds = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
  const expected = filtered(await all(storage), { ...range, ...bounds })
  const found = await readPages(storage, range)
  expect(found.map(({ messageId }) => messageId)).toEqual(expected.map(({ messageId }) => messageId))
}

test('every read by type, key and time is a filter over a full read, whatever was appended, refused, trimmed, removed and given another key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'index-'))
  let logs = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ first: fc.boolean(), step }), { maxLength: 25 }), async (steps) => {
        const path = join(folder, `${++logs}.db`)
        const handles = [new SqliteStorage({ path }), new SqliteStorage({ path })] as const
        for (const handle of handles) await handle.start()
        const run = new Run()
        for (const { first, step } of steps) await run.take(handles[first ? 0 : 1], step)
        await run.assertRates(handles[0])
        for (const handle of handles) await handle.close()
      }),
      { numRuns: 60 }
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 120_000)

test('the index lets go of segments of which no entry is left', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'index-')), 'events.db')
  onTestFinished(() => rmSync(dirname(path), { recursive: true }))
  const storage = new SqliteStorage({ path })
  await storage.start()
  onTestFinished(() => storage.close())
  const entries = Array.from({ length: 9_500 }, () => labelledEntry({ eventType: 'prices', key: 'A' }))
  for (let i = 0; i < entries.length; i += 500) await storage.log.append(entries.slice(i, i + 500))
  const rows = () => {
    const database = new DatabaseSync(path, { readOnly: true })
    const { segments, rows } = database
      .prepare('SELECT (SELECT count(*) FROM segments) AS segments, (SELECT count(*) FROM by_label) AS rows')
      .get() as { segments: number; rows: number }
    database.close()
    return { segments, rows }
  }
  const full = rows()
  expect(full.segments).toBe(2)
  // Under the label, and under the type.
  expect(full.rows).toBe(2 * 9_000)
  await storage.log.trim({ maxLength: 2_000 })
  expect(rows()).toEqual({ segments: 1, rows: full.rows / 2 })
  await storage.log.trim({ maxLength: 0 })
  expect(rows()).toEqual({ segments: 0, rows: 0 })
})
