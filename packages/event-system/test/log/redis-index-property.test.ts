import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { labelInPayload, labelledEntry, readPages } from '../../src/log/conformance/labelled.ts'
import type { Entry, EntryLabel, ReadRange, Storage } from '../../src/log/port.ts'
import { RedisStorage } from '../../src/log/redis/index.ts'
import { labelsOf } from './labelled-payloads.ts'
import { redisInTest } from './redis-in-test.ts'
import { filtered, indexed } from './redis-index-support.ts'

const redis = redisInTest()

const TYPES = ['price', 'order', 'note']
const KEYS = ['A', 'B', 'Ä " ']
/** Around now, long ago, and before the epoch: few, so that many are equal. */
const TIMES = [-5, 0, 1_000, 1_001, 1_764_000_000_000, 8_640_000_000_000_000]

/** In ms: most are prompt, some late. */
const fromNow = fc.record({ fromNow: fc.oneof(fc.integer({ min: -950, max: 950 }), fc.constantFrom(-60_000, 60_000)) })

const label = fc.record({
  type: fc.constantFrom(...TYPES),
  symbol: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
  at: fc.oneof({ weight: 4, arbitrary: fromNow }, fc.constantFrom(...TIMES))
})
type Label = typeof label extends fc.Arbitrary<infer One> ? One : never

const some = fc.option(fc.subarray([...TYPES, 'none'], { maxLength: 3 }), { nil: undefined })
const range = fc.record({
  eventTypes: some,
  keys: fc.option(fc.subarray([...KEYS, 'none'], { maxLength: 3 }), { nil: undefined }),
  time: fc.constantFrom('log', 'event'),
  direction: fc.constantFrom('forward', 'backward'),
  limit: fc.integer({ min: 1, max: 12 }),
  from: fc.option(fc.oneof(fc.constantFrom(...TIMES), fromNow), { nil: undefined }),
  to: fc.option(fc.oneof(fc.constantFrom(...TIMES), fromNow), { nil: undefined })
})
type Range = typeof range extends fc.Arbitrary<infer One> ? One : never

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ append: fc.array(label, { minLength: 1, maxLength: 12 }), isAwaited: fc.boolean() })
  },
  { weight: 2, arbitrary: fc.record({ foreign: label }) },
  { weight: 1, arbitrary: fc.record({ poison: fc.constantFrom<'event' | 'other'>('event', 'other') }) },
  { weight: 1, arbitrary: fc.record({ trimTo: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ removeNth: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.constant('until it is indexed' as const) },
  { weight: 1, arbitrary: fc.record({ crashAfterMs: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.constant('the index is lost' as const) },
  { weight: 6, arbitrary: fc.record({ reads: fc.array(range, { minLength: 1, maxLength: 4 }) }) }
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

let open: Storage[] = []
afterEach(async () => {
  await Promise.all(open.map((storage) => storage.close()))
  open = []
})

let logs = 0

/** A log, a process that may index it, and the steps that are taken with it. */
class Run {
  readonly #streamName = `indexed_${++logs}`
  readonly #segmentSize: number
  #storage!: RedisStorage

  constructor(segmentSize: number) {
    this.#segmentSize = segmentSize
  }

  async begin(): Promise<void> {
    this.#storage = new RedisStorage({
      url: redis.server.url,
      streamName: this.#streamName,
      index: { labelsOf, segmentSize: this.#segmentSize }
    })
    open.push(this.#storage)
    await this.#storage.start()
  }

  async take(one: Step): Promise<void> {
    const { log } = this.#storage
    if (one === 'until it is indexed') return indexed(this.#storage)
    if (one === 'the index is lost') return this.#loseIndex()
    if ('append' in one) {
      await log.append(one.append.map((label) => labelledEntry(timed(label))))
      if (one.isAwaited) await indexed(this.#storage)
    }
    if ('foreign' in one) await this.#add({ event: labelledEntry(timed(one.foreign)).payload })
    else if ('poison' in one) await this.#add({ [one.poison]: 'no event' })
    else if ('trimTo' in one) await log.trim({ maxLength: one.trimTo })
    else if ('removeNth' in one) await this.#remove(one.removeNth)
    else if ('crashAfterMs' in one) await this.#crash(one.crashAfterMs)
    else if ('reads' in one) for (const range of one.reads) await this.#compare(rangeOf(range))
  }

  /** It is as a filter over a full read says, before all is indexed and after. */
  async #compare(range: ReadRange): Promise<void> {
    const all = await this.#all()
    expect(await readPages(this.#storage, range), JSON.stringify(range)).toEqual(filtered(all, range))
  }

  /** What was counted is at least what is there, and no more than was added. */
  async countsAreRight(): Promise<void> {
    await indexed(this.#storage)
    const all = await this.#all()
    const counts = new Map<string, number>()
    const rates = await this.#storage.log.rates?.({ per: 'hour', from: 0, to: Date.now() })
    for (const { counts: ofHour } of rates ?? []) {
      for (const [type, count] of Object.entries(ofHour)) counts.set(type, (counts.get(type) ?? 0) + count)
    }
    for (const type of TYPES) {
      const there = all.filter(({ payload }) => labelInPayload(payload)?.eventType === type).length
      expect(counts.get(type) ?? 0).toBeGreaterThanOrEqual(there)
      expect(counts.get(type) ?? 0).toBeLessThanOrEqual(this.#added.get(type) ?? 0)
    }
  }

  readonly #added = new Map<string, number>()

  count(one: Step): void {
    if (typeof one === 'string') return
    const labels = 'append' in one ? one.append : 'foreign' in one ? [one.foreign] : []
    for (const { type } of labels) this.#added.set(type, (this.#added.get(type) ?? 0) + 1)
  }

  async #all(): Promise<Entry[]> {
    return readPages(this.#storage, { limit: 1_000 })
  }

  async #add(fields: Record<string, string>): Promise<void> {
    await redis.client.xAdd(this.#streamName, '*', fields)
  }

  async #remove(n: number): Promise<void> {
    const entry = (await this.#all())[n]
    if (entry !== undefined) await redis.client.xDel(this.#streamName, entry.messageId)
  }

  /** What is under way is cut short, wherever it is. The lease of the dead ends, and another process goes on. */
  async #crash(afterMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    await this.#storage.close({ timeoutMs: 0 })
    await redis.client.hDel(`${this.#streamName}:leases`, 'index')
    await this.begin()
  }

  async #loseIndex(): Promise<void> {
    const keys = await redis.client.keys(`${this.#streamName}:*index*`)
    if (keys.length > 0) await redis.client.del(keys)
  }
}

function instantOf(at: number | { readonly fromNow: number }): number {
  return typeof at === 'number' ? at : Date.now() + at.fromNow
}

function timed({ type, symbol, at }: Label): EntryLabel {
  return { eventType: type, eventTime: instantOf(at), ...(symbol !== undefined && { key: symbol }) }
}

function rangeOf({ eventTypes, keys, from, to, ...others }: Range): ReadRange {
  const time = (at: Parameters<typeof instantOf>[0]) => ({ time: instantOf(at) })
  return {
    ...others,
    ...(eventTypes !== undefined && { eventTypes }),
    ...(keys !== undefined && { keys }),
    ...(from !== undefined && { from: time(from) }),
    ...(to !== undefined && { to: time(to) })
  }
}

test('each read finds what a filter over a full read finds, whatever is indexed by then, lost, trimmed or cut short', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.array(step, { minLength: 4, maxLength: 30 }),
      async (segmentSize, steps) => {
        const run = new Run(segmentSize)
        await run.begin()
        for (const one of steps) {
          run.count(one)
          await run.take(one)
        }
        await run.countsAreRight()
      }
    ),
    { numRuns: 50 }
  )
}, 60_000)
