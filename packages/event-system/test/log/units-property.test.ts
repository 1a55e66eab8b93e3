import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Checkpoint,
  type Position,
  positionsIn,
  type Storage,
  type Unit,
  type UnitResult
} from '../../src/log/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { Model, type Outcome } from './units-model.ts'

const [CURSORS, COLLECTIONS, IDS, KEYS] = [
  ['a', 'b'],
  ['c', 'd'],
  ['x', 'x1', 'y'],
  ['account-7', 'order-17']
]
const SOURCES = 6
const LEASE_MS = 600_000
/** The last is new to the log in some runs. */
const TYPES = ['risk_alert', 'system_health', 'late'] as const

type Expects = 'any' | 'right' | 'wrong'
const expects = fc.constantFrom<Expects>('any', 'right', 'right', 'right', 'wrong')
const source = fc.nat(SOURCES - 1)

/** A unit before it is known where the log stands, and so what would be right to expect. */
const unitPlan = fc.record({
  fence: expects,
  moves: fc.uniqueArray(fc.record({ name: fc.constantFrom(...CURSORS), to: source, expects }), {
    maxLength: 2,
    selector: ({ name }) => name
  }),
  entries: fc.array(
    fc.record({
      id: fc.nat(12),
      type: fc.constantFrom(...TYPES),
      key: fc.option(fc.constantFrom(...KEYS), { nil: undefined })
    }),
    { maxLength: 3 }
  ),
  versions: fc.uniqueArray(fc.record({ key: fc.constantFrom(...KEYS), expects }), {
    maxLength: 2,
    selector: ({ key }) => key
  }),
  writes: fc.uniqueArray(
    fc.record({
      collection: fc.constantFrom(...COLLECTIONS),
      id: fc.constantFrom(...IDS),
      value: fc.option(fc.string({ maxLength: 3 })),
      expects
    }),
    { maxLength: 3, selector: ({ collection, id }) => `${collection} ${id}` }
  )
})
type UnitPlan = typeof unitPlan extends fc.Arbitrary<infer Plan> ? Plan : never

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ units: fc.array(unitPlan, { minLength: 1, maxLength: 4 }), handle: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ create: fc.constantFrom(...CURSORS), at: source, guards: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.constantFrom(...CURSORS) }) },
  { weight: 1, arbitrary: fc.record({ trimTo: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ leaseTo: fc.constantFrom('one', 'two') }) },
  { weight: 3, arbitrary: fc.record({ page: fc.integer({ min: 1, max: 5 }), handle: fc.nat(2) }) }
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

describeOn(ALL_LOGS, 'units, cursors and documents', (logs) => {
  test('units with stale and fresh expectations, trims and reads between them, by several handles: the log is what a simple model of it is', async () => {
    const handles = [await logs.open(), await logs.open(), await logs.open()] as const
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const run = await Run.begin(handles, ++count)
        for (const one of steps) await run.take(one)
        await run.compare()
      }),
      { numRuns: 60 }
    )
  })
})

/** One sequence of steps on an empty log, and beside it the model. Names, keys and event ids are those of the run. */
class Run {
  readonly #handles: readonly Storage[]
  readonly #name: string
  readonly #number: number
  /** The position behind each source. */
  readonly #sources: readonly Checkpoint[]
  readonly #model: Model
  /** The last revision of each collection. */
  readonly #revisions = new Map<string, number>()
  #holder = ''
  /** Where a reader goes on, and how many entries are behind that. */
  #reader: { readonly from: Position; readonly passed: number } = { from: 'start', passed: 0 }

  private constructor(handles: readonly Storage[], number: number, sources: readonly Checkpoint[], model: Model) {
    this.#handles = handles
    this.#number = number
    this.#name = `run ${number}`
    this.#sources = sources
    this.#model = model
  }

  static async begin(handles: readonly Storage[], number: number): Promise<Run> {
    const storage = handles[0] as Storage
    for (const { name } of (await storage.log.info()).cursors) await storage.cursors.remove(name)
    await storage.log.trim({ maxLength: 0 })
    const entries = Array.from({ length: SOURCES }, (_, i) => ({
      eventId: `${number} source ${i}`,
      eventType: TYPES[i % 2] as string,
      payload: `source ${i}`
    }))
    await storage.log.append(entries)
    const sources = positionsIn(storage.log, await storage.log.read({ limit: SOURCES }))
    const known = sources.map((position, i) => ({ position, payload: `source ${i}` }))
    const run = new Run(handles, number, sources, new Model(known))
    await run.#takeLease('one')
    return run
  }

  async take(one: Step): Promise<void> {
    const storage = this.#handles[0] as Storage
    if ('units' in one) return this.#commit(this.#handles[one.handle] as Storage, one.units)
    if ('create' in one) {
      const after = this.#sources[one.at] as Checkpoint
      const created = await storage.cursors.create(this.#of(one.create), { after }, { guards: one.guards })
      expect(created).toBe(this.#model.create(this.#of(one.create), after, one.guards))
    } else if ('remove' in one) {
      expect(await storage.cursors.remove(this.#of(one.remove))).toBe(this.#model.remove(this.#of(one.remove)))
    } else if ('leaseTo' in one) {
      await this.#takeLease(one.leaseTo)
    } else if ('page' in one) {
      await this.#readPage(this.#handles[one.handle] as Storage, one.page)
    } else {
      expect(await storage.log.trim({ maxLength: one.trimTo })).toMatchObject(this.#model.trim(one.trimTo))
    }
  }

  /** A lease that goes to another holder gets a greater token. */
  async #takeLease(holder: string): Promise<void> {
    const { leases } = this.#handles[0] as Storage
    const lease = this.#of('lease')
    if (this.#holder !== holder) await leases.release([lease], this.#holder || holder)
    const [token = 0] = await leases.acquire([lease], { holder, ttlMs: LEASE_MS })
    const before = this.#model.tokenOf(lease)
    if (this.#holder === holder) expect(token).toBe(before)
    else expect(token).toBeGreaterThan(before)
    this.#holder = holder
    this.#model.takeLease(lease, token)
  }

  async #readPage(storage: Storage, limit: number): Promise<void> {
    const { payloads, passed } = this.#model.page(this.#reader.passed, limit)
    const page = await storage.log.read({ from: this.#reader.from, limit })
    expect(page.entries.map(({ payload }) => payload)).toEqual(payloads)
    this.#reader = { from: { after: page.position }, passed }
  }

  async #commit(storage: Storage, plans: readonly UnitPlan[]): Promise<void> {
    const units = plans.map((plan) => this.#toUnit(plan))
    const wanted = units.map((unit) => this.#model.commit(unit))
    const results = await storage.commit(units)
    for (const [i, result] of results.entries()) this.#learn(units[i] as Unit, result, wanted[i] as Outcome)
    expect(results.map(withoutIds)).toEqual(wanted.map((outcome) => this.#withRevisions(outcome)))
  }

  /** What is right to expect is so when the call is made; a unit before it in the call may make it wrong. */
  #toUnit({ fence, moves, entries, versions, writes }: UnitPlan): Unit {
    const { state } = this.#model
    const lease = this.#of('lease')
    const token = this.#model.tokenOf(lease)
    return {
      fence: fence === 'any' ? [] : [{ lease, token: fence === 'right' ? token : token + 1 }],
      cursors: moves.map(({ name, to, expects }) => {
        const position = state.cursors.get(this.#of(name))?.position
        const expected = { any: undefined, right: position, wrong: '1-1' }[expects]
        return {
          name: this.#of(name),
          to: this.#sources[to] as Checkpoint,
          ...(expected !== undefined && { expected })
        }
      }),
      append: {
        entries: entries.map(({ id, type, key }) => ({
          eventId: `${this.#name} ${id}`,
          eventType: type === 'late' ? `late ${this.#number % 6}` : type,
          payload: `entry ${id}`,
          ...(key !== undefined && { streamKey: this.#of(key) })
        })),
        expected: versions
          .filter(({ expects }) => expects !== 'any')
          .map(({ key, expects }) => {
            const version = this.#model.versionOf(this.#of(key))
            return { key: this.#of(key), version: expects === 'right' ? version : version + 1 }
          })
      },
      write: writes.map(({ collection, id, value, expects }) => {
        const revision = this.#model.revisionOf(this.#of(collection), id)
        const expected = { any: undefined, right: revision, wrong: revision + 1 }[expects]
        return { collection: this.#of(collection), id, value, ...(expected !== undefined && { expected }) }
      })
    }
  }

  /** Takes down the revisions of new writes. Each must be greater than those before it. */
  #learn({ write = [] }: Unit, result: UnitResult, wanted: Outcome): void {
    if (result.kind === 'refused' || wanted.kind === 'refused') return
    for (const [i, number] of wanted.writes.entries()) {
      if (number === 0 || this.#model.revisions.has(number)) continue
      const [collection, revision] = [String(write[i]?.collection), result.revisions[i] ?? 0]
      expect(revision).toBeGreaterThan(this.#revisions.get(collection) ?? 0)
      this.#revisions.set(collection, revision)
      this.#model.revisions.set(number, revision)
    }
  }

  #withRevisions(outcome: Outcome): unknown {
    if (outcome.kind === 'refused') return outcome
    const { kind, appended, writes } = outcome
    return { kind, appended, revisions: writes.map((number) => this.#model.revisions.get(number) ?? 0) }
  }

  async compare(): Promise<void> {
    const storage = this.#handles[1] as Storage
    const { state, revisions } = this.#model
    const stored = (await storage.log.read({ limit: 1_000 })).entries
    expect(stored.map(({ payload }) => payload)).toEqual(state.entries.map(({ payload }) => payload))
    for (const key of KEYS.map((name) => this.#of(name))) {
      expect(await storage.log.versionOf(key)).toBe(this.#model.versionOf(key))
      const stream = await storage.log.readStream(key, { fromVersion: 1, limit: 100 })
      expect(stream.map(({ payload, version }) => ({ payload, streamKey: key, version }))).toEqual(
        state.entries.filter(({ streamKey }) => streamKey === key)
      )
    }
    await this.#readPage(storage, 1_000)
    const cursors = (await storage.log.info()).cursors.map(({ name, position, guards, lag }) => ({
      name,
      position,
      guards,
      lag
    }))
    expect(cursors.toSorted(byName)).toEqual(
      [...state.cursors]
        .map(([name, cursor]) => ({ name, ...cursor, lag: this.#model.lagOf(cursor.position) }))
        .toSorted(byName)
    )
    for (const collection of COLLECTIONS.map((name) => this.#of(name))) {
      const wanted = [...(state.documents.get(collection) ?? [])]
        .map(([id, { value, write }]) => ({ id, value, revision: revisions.get(write) }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      expect(await storage.collections.list(collection, { limit: 100 })).toEqual(wanted)
      expect(await storage.collections.get(collection, IDS)).toEqual(
        IDS.map((id) => wanted.find((document) => document.id === id))
      )
      expect(await storage.collections.count(collection, 'x')).toBe(wanted.filter(({ id }) => id !== 'y').length)
      expect(await storage.collections.revision(collection)).toBe(this.#revisions.get(collection) ?? 0)
    }
  }

  #of(name: string): string {
    return `${this.#name} ${name}`
  }
}

function withoutIds(result: UnitResult): unknown {
  if (result.kind === 'refused') return result
  return { ...result, appended: result.appended.map(({ messageId: _id, ...rest }) => rest) }
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1
}
