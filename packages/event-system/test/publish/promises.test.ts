import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEvent, type Event, EventSystemError } from '@tradpal/events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Log, Storage } from '../../src/log/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal, withFaults } from '../support/events.ts'

/** Short, so that many plans are tried in little time. */
const TIMEOUT_MS = 300

/** What becomes of one append, after a delay. */
interface Fate {
  readonly kind: 'taken' | 'unsent' | 'taken, and the answer lost' | 'lost'
  readonly delayMs: number
}

/** What one key publishes next, before it waits for all of it. */
interface Step {
  readonly kind: 'single' | 'burst' | 'batch' | 'without the spool'
  readonly gapMs: number
}

interface Plan {
  readonly fates: readonly Fate[]
  /** By key. */
  readonly lanes: readonly (readonly Step[])[]
  readonly deduplicationWindowMs: number
  /** The publisher is closed then, and another opens the same spool. */
  readonly restartAfterMs: number | null
}

const fate = fc.record<Fate>({
  kind: fc.constantFrom('taken', 'unsent', 'taken, and the answer lost', 'lost'),
  delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }))
})
const gapMs = fc.integer({ min: 0, max: 80 })
const fates = fc.array(fate, { maxLength: 25 })
const lanesOf = (...kinds: Step['kind'][]) => {
  const step = fc.record<Step>({ kind: fc.constantFrom(...kinds), gapMs })
  return fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })
}
const plan = fc.oneof(
  fc.record<Plan>({
    fates,
    lanes: lanesOf('single', 'burst', 'batch', 'without the spool'),
    deduplicationWindowMs: fc.constant(120_000),
    restartAfterMs: fc.option(fc.integer({ min: 1, max: 300 }))
  }),
  // What is refused here is published again by its caller when the window has passed: that is a second event, as documented.
  fc.record<Plan>({
    fates,
    lanes: lanesOf('single', 'burst', 'batch'),
    deduplicationWindowMs: fc.constant(2 * TIMEOUT_MS),
    restartAfterMs: fc.constant(null)
  })
)

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A log of which each append meets the next fate; those that come after the last are taken. */
function fated(storage: Storage, fates: readonly Fate[]): Storage {
  let calls = 0
  const append: Log['append'] = async (entries, options) => {
    const { kind, delayMs } = fates[calls++] ?? { kind: 'taken', delayMs: 0 }
    if (delayMs > 0) await pause(delayMs)
    if (kind === 'unsent') throw new EventSystemError('log_unavailable', 'The log is away.')
    if (kind === 'lost') throw new EventSystemError('log_timeout', 'Nobody answers.')
    const results = await storage.log.append(entries, options)
    if (kind === 'taken') return results
    throw new EventSystemError('log_timeout', 'The answer was lost.')
  }
  return withFaults(storage, { append })
}

/** Publishers on one log and one spool, one after the other. */
class World {
  readonly #plan: Plan
  readonly #real: SqliteStorage
  readonly #storage: Storage
  readonly #folder: string
  #publisher: Promise<EventPublisher>

  private constructor(plan: Plan, real: SqliteStorage, folder: string) {
    this.#plan = plan
    this.#real = real
    this.#storage = fated(real, plan.fates)
    this.#folder = folder
    this.#publisher = this.#open()
  }

  static async start(plan: Plan): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'tradpal-promises-'))
    const { deduplicationWindowMs } = plan
    const real = new SqliteStorage({ path: join(folder, 'log.db'), deduplicationWindowMs })
    await real.start()
    return new World(plan, real, folder)
  }

  async #open(): Promise<EventPublisher> {
    const { deduplicationWindowMs } = this.#plan
    const store = new SqliteStorage({ path: join(this.#folder, 'spool.db'), deduplicationWindowMs })
    const spool = { store, maxBytes: 1_000_000 }
    const publisher = new EventPublisher({
      storage: this.#storage,
      timeoutMs: TIMEOUT_MS,
      deduplicationWindowMs,
      spool
    })
    await publisher.start()
    return publisher
  }

  /** Resolves to what stands in the log when all is published and the spool is empty. */
  async play(): Promise<readonly Event[]> {
    const { lanes, restartAfterMs } = this.#plan
    const playing = lanes.map((steps, lane) => this.#playLane(`KEY${lane}`, steps))
    if (restartAfterMs !== null) {
      await pause(restartAfterMs)
      this.#publisher = this.#publisher.then((publisher) => publisher.close()).then(() => this.#open())
    }
    await Promise.all(playing)
    const publisher = await this.#publisher
    const isEmpty = async () => (await publisher.state()).spool?.events === 0
    await waitFor(isEmpty, { what: 'the spool being empty' })
    await publisher.close()
    const entries = (await this.#real.log.read({ limit: 10_000 })).entries
    await this.#real.close()
    await rm(this.#folder, { recursive: true, force: true })
    return entries.map(({ payload }) => decodeEvent(payload ?? ''))
  }

  async #playLane(key: string, steps: readonly Step[]): Promise<void> {
    let number = 0
    const next = () => signal(key, ++number)
    for (const { kind, gapMs } of steps) {
      if (kind === 'burst') {
        const events = [next(), next(), next()]
        await this.#untilPromised((publisher) => allOf(events.map((event) => publisher.publish(event))))
      } else if (kind === 'batch') {
        const events = [next(), next()]
        await this.#untilPromised((publisher) => publisher.publishAll(events))
      } else {
        const event = next()
        const spool = kind === 'single' ? 'allowed' : 'never'
        await this.#untilPromised((publisher) => publisher.publish(event, { spool }))
      }
      await pause(gapMs)
    }
  }

  /** The same events, until somebody takes them. */
  async #untilPromised(publish: (publisher: EventPublisher) => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await publish(await this.#publisher)
        return
      } catch (error) {
        const mayPass = error instanceof EventSystemError && (error.retryable || error.code === 'closed')
        if (!mayPass) throw error
        await pause(20)
      }
    }
  }
}

/** Rejects when one of them did and all of them are done. */
async function allOf(publishing: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(publishing)
  await Promise.all(publishing)
}

function numbersByKey(events: readonly Event[]): Record<string, number[]> {
  const numbers: Record<string, number[]> = {}
  for (const { data } of events) {
    const key = String(data.symbol)
    numbers[key] = [...(numbers[key] ?? []), Number(data.price)]
  }
  return numbers
}

const EVENTS_OF = { single: 1, burst: 3, batch: 2, 'without the spool': 1 } as const

function expected({ lanes }: Plan): Record<string, number[]> {
  const counts = lanes.map((steps) => steps.reduce((sum, { kind }) => sum + EVENTS_OF[kind], 0))
  return Object.fromEntries(counts.map((count, lane) => [`KEY${lane}`, Array.from({ length: count }, (_, i) => i + 1)]))
}

test('whatever becomes of the appends, each event is in the log once, and in the order of its key', {
  timeout: 120_000
}, async () => {
  // Several at once: they spend their time waiting.
  const plans = fc.array(plan, { minLength: 12, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(plans, async (several) => {
      await Promise.all(
        several.map(async (one) => {
          const world = await World.start(one)
          expect(numbersByKey(await world.play()), JSON.stringify(one)).toEqual(expected(one))
        })
      )
    }),
    { numRuns: 5, endOnFailure: true }
  )
})
