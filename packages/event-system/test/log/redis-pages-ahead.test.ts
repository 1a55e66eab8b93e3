import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { EntryReader } from '../../src/log/redis/entry-reader.ts'
import { PagesAhead } from '../../src/log/redis/pages-ahead.ts'

const SIZE = 10

/** A log of one stream, whose ids are `1-0`, `2-0` and so on. */
class GrowingLog {
  readonly payloads: string[] = []
  reads = 0
  /** How many entries were asked for, in all. */
  asked = 0
  fails = false

  append(count: number, payload = ''): void {
    for (let i = 0; i < count; i++) this.payloads.push(payload)
  }

  async behind(place: string, limit: number) {
    this.reads++
    this.asked += limit
    await turn()
    if (this.fails) throw new Error('The log is away.')
    const from = Number.parseInt(place, 10)
    return this.payloads.slice(from, from + limit).map((payload, i) => ({ messageId: `${from + i + 1}-0`, payload }))
  }
}

function pagesOf(log: GrowingLog) {
  return new PagesAhead({
    reader: log as unknown as EntryReader,
    size: SIZE,
    toItem: (entry) => ({ entry })
  })
}

const idsOf = (page: readonly { readonly entry: { readonly messageId: string } }[]) =>
  page.map(({ entry }) => entry.messageId)

test('page after page is the log, each entry once and in order, however it grows meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(4 * SIZE), fc.nat(3)), { minLength: 1, maxLength: 12 }),
      async (growths) => {
        const log = new GrowingLog()
        const pages = pagesOf(log)
        const seen: string[] = []
        for (let step = 0; step < growths.length || seen.length < log.payloads.length; step++) {
          const [growth, turns] = growths[step] ?? [0, 0]
          // So that what is read ahead is here before the log grows, or is not.
          for (let i = 0; i < turns; i++) await turn()
          log.append(growth)
          const page = idsOf(await pages.behind(seen.at(-1) ?? '0-0'))
          expect(page.length).toBe(Math.min(SIZE, log.payloads.length - seen.length))
          seen.push(...page)
        }
        expect(seen).toEqual(log.payloads.map((_, i) => `${i + 1}-0`))
      }
    ),
    { numRuns: 200 }
  )
})

test('the next pages are there when they are asked for, and no more of them than three', async () => {
  const log = new GrowingLog()
  log.append(20 * SIZE)
  const pages = pagesOf(log)
  await pages.behind('0-0')
  await vi.waitFor(() => expect(log.reads).toBe(2))
  const page = await pages.behind(`${SIZE}-0`)
  expect(idsOf(page)[0]).toBe(`${SIZE + 1}-0`)
  expect(log.asked).toBeLessThanOrEqual(5 * SIZE)
  expect(pages.hasMore).toBe(true)
})

test('nothing is read ahead behind a heavy page', async () => {
  const log = new GrowingLog()
  log.append(4 * SIZE, 'x'.repeat(1_000_000))
  const pages = pagesOf(log)
  await pages.behind('0-0')
  expect([log.reads, pages.hasMore]).toEqual([1, false])
})

test('another place than the one behind the last page is read anew', async () => {
  const log = new GrowingLog()
  log.append(4 * SIZE)
  const pages = pagesOf(log)
  await pages.behind('0-0')
  expect(idsOf(await pages.behind('5-0'))[0]).toBe('6-0')
})

test('what failed ahead is read anew by whoever asks for it', async () => {
  const log = new GrowingLog()
  log.append(4 * SIZE)
  const pages = pagesOf(log)
  await pages.behind('0-0')
  log.fails = true
  await vi.waitFor(() => expect(pages.hasMore).toBe(false))
  await expect(pages.behind(`${SIZE}-0`)).rejects.toThrow('The log is away.')
  log.fails = false
  expect(idsOf(await pages.behind(`${SIZE}-0`))[0]).toBe(`${SIZE + 1}-0`)
})
