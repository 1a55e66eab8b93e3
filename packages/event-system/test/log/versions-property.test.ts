import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AppendEntry, AppendResult, Storage } from '../../src/log/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'

const KEYS = ['account-7', 'order-17', 'order-18'] as const
type Key = (typeof KEYS)[number]

/** What is written down of an append: its entries, by number, and how far from the truth it expects each key, if it does. */
interface Step {
  readonly handle: number
  readonly entries: readonly { readonly id: number; readonly key: Key | undefined }[]
  readonly expects: readonly { readonly key: Key; readonly offBy: number }[]
}

const step: fc.Arbitrary<Step> = fc.record({
  handle: fc.nat(2),
  entries: fc.array(fc.record({ id: fc.nat(25), key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }) }), {
    minLength: 1,
    maxLength: 4
  }),
  expects: fc.uniqueArray(fc.record({ key: fc.constantFrom(...KEYS), offBy: fc.constantFrom(0, 0, 0, 0, -1, 1) }), {
    maxLength: 2,
    selector: ({ key }) => key
  })
})

/** What a log is to do, said in the simplest way. An event id is appended once; the place of an entry is its index. */
class Model {
  /** Their payloads. */
  readonly appended: string[] = []
  readonly #streams = new Map<string, string[]>()
  readonly #known = new Map<string, { readonly place: number; readonly version: number | undefined }>()

  of(key: string): number {
    return this.streamOf(key).length
  }

  /** The payloads of the entries of a key. */
  streamOf(key: string): readonly string[] {
    return this.#streams.get(key) ?? []
  }

  append(entries: readonly AppendEntry[], expected: readonly { key: string; version: number }[]) {
    const holds = expected.every(({ key, version }) => this.of(key) === version)
    if (!holds && entries.some(({ eventId }) => !this.#known.has(eventId))) return 'version_conflict'
    return entries.map(({ eventId, streamKey, payload }) => {
      const duplicate = this.#known.has(eventId)
      const entry = this.#known.get(eventId) ?? this.#take(eventId, payload, streamKey)
      return { place: entry.place, duplicate, version: streamKey === undefined ? undefined : entry.version }
    })
  }

  #take(eventId: string, payload: string, key: string | undefined) {
    const version = key === undefined ? undefined : this.of(key) + 1
    if (key !== undefined) this.#streams.set(key, [...this.streamOf(key), payload])
    const entry = { place: this.appended.push(payload) - 1, version }
    this.#known.set(eventId, entry)
    return entry
  }
}

describeOnEachLog('versions of stream keys', (logs) => {
  test('writers with stale and fresh expectations, in whatever order: the log is what a simple model of it is', async () => {
    const handles = [await logs.open(), await logs.open(), await logs.open()]
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const name = `run ${++run}`
        const model = new Model()
        const placeOf = new Map<string, number>()
        const known = (await handles[0]?.log.info())?.length ?? 0
        const outcomes: { given: unknown; wanted: unknown }[] = []
        const settle = async (storage: Storage, { entries, expects }: Step) => {
          const given = entries.map(({ id, key }) => ({
            eventId: eventIdOf(run, id),
            eventType: 'risk_alert',
            payload: `${name} ${id}`,
            ...(key === undefined ? {} : { streamKey: `${name} ${key}` })
          }))
          const expected = expects
            .map(({ key, offBy }) => ({ key: `${name} ${key}`, version: model.of(`${name} ${key}`) + offBy }))
            .filter(({ version }) => version >= 0)
          const wanted = model.append(given, expected)
          const outcome = await storage.log.append(given, { expected }).catch(({ code }) => code)
          outcomes.push({ given: outcome, wanted })
        }
        for (const one of steps) {
          const storage = handles[one.handle] as Storage
          await settle(storage, one)
        }
        const stored = (await (handles[0] as Storage).log.read({ limit: 100_000 })).entries.slice(known)
        expect(stored.map(({ payload }) => payload)).toEqual(model.appended)
        for (const [place, { messageId }] of stored.entries()) placeOf.set(messageId, place)
        for (const { given, wanted } of outcomes) {
          const seen = Array.isArray(given) ? given.map((result) => asPlaced(result, placeOf)) : given
          expect(seen).toEqual(wanted)
        }
        for (const key of KEYS.map((one) => `${name} ${one}`)) {
          expect(await handles[1]?.log.versionOf(key)).toBe(model.of(key))
          const stream = (await handles[1]?.log.readStream(key, { fromVersion: 1, limit: 100 })) ?? []
          expect(stream.map(({ version, payload }) => [version, payload])).toEqual(
            model.streamOf(key).map((payload, i) => [i + 1, payload])
          )
        }
      }),
      { numRuns: 60 }
    )
  })

  test('writers at once, each with what it has seen last: every version is given once, and no refused one is there', async () => {
    const handles = [await logs.open(), await logs.open(), await logs.open()]
    let run = 0
    const writer = fc.array(fc.record({ size: fc.integer({ min: 1, max: 3 }), looksFirst: fc.boolean() }), {
      minLength: 1,
      maxLength: 6
    })
    await fc.assert(
      fc.asyncProperty(fc.array(writer, { minLength: 2, maxLength: 6 }), async (writers) => {
        const key = `key ${++run}`
        const taken: number[] = []
        const write = async (
          storage: Storage,
          name: string,
          batches: readonly { size: number; looksFirst: boolean }[]
        ) => {
          let seen = 0
          for (const [i, { size, looksFirst }] of batches.entries()) {
            if (looksFirst) seen = await storage.log.versionOf(key)
            const entries = Array.from({ length: size }, (_, j) => {
              const id = `${key} ${name} ${i} ${j}`
              return { eventId: id, eventType: 'risk_alert', payload: id, streamKey: key }
            })
            const outcome = await storage.log
              .append(entries, { expected: [{ key, version: seen }] })
              .catch(({ code }) => code)
            if (outcome === 'version_conflict') continue
            const versions = (outcome as AppendResult[]).map(({ version }) => version)
            expect(versions).toEqual(entries.map((_, j) => seen + j + 1))
            taken.push(...(versions as number[]))
            seen += size
          }
        }
        const before = (await handles[0]?.log.info())?.length ?? 0
        await Promise.all(writers.map((batches, i) => write(handles[i % 3] as Storage, `writer ${i}`, batches)))
        taken.sort((a, b) => a - b)
        expect(taken).toEqual(taken.map((_, i) => i + 1))
        expect(taken.length).toBeGreaterThan(0)
        expect(await handles[0]?.log.versionOf(key)).toBe(taken.length)
        expect((await handles[0]?.log.info())?.length).toBe(before + taken.length)
      }),
      { numRuns: 40 }
    )
  })
})

/** Half of them are UUIDs that are alike but for how they end, in no order. */
function eventIdOf(run: number, id: number): string {
  if (id % 2 === 0) return `run ${run} ${id}`
  const [first, last] = [run.toString(16).padStart(8, '0'), ((id * 7_919) % 1_000).toString(16).padStart(12, '0')]
  return `${first}-0000-4000-8000-${last}`
}

function asPlaced({ messageId, duplicate, version }: AppendResult, placeOf: ReadonlyMap<string, number>) {
  return { place: placeOf.get(messageId), duplicate, version }
}
