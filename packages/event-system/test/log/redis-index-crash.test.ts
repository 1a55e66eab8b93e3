import { expect, onTestFinished, test } from 'vitest'
import { labelInPayload, labelledEntry, readPages } from '../../src/log/conformance/labelled.ts'
import type { Entry, Storage } from '../../src/log/port.ts'
import { Connection } from '../../src/log/redis/connection.ts'
import { IndexBuilder } from '../../src/log/redis/indexed/builder.ts'
import { Catalogue } from '../../src/log/redis/indexed/catalogue.ts'
import { INDEX } from '../../src/log/redis/indexed/lease.ts'
import { IndexWriter } from '../../src/log/redis/indexed/writer.ts'
import { logKeys } from '../../src/log/redis/keys.ts'
import { resolveRedisStorageOptions } from '../../src/log/redis/options.ts'
import { labelsOf } from './labelled-payloads.ts'
import { redisInTest } from './redis-in-test.ts'
import { filtered } from './redis-index-support.ts'

const redis = redisInTest()
const STREAM = 'crashing'

class Crash extends Error {}

/** Everything that is sent counts as a step. The n-th is not sent, or its answer is lost, and all later ones are not sent. */
class Steps {
  count = 0
  readonly #crashAt: number
  readonly #isAnswerLost: boolean

  constructor(crashAt: number, isAnswerLost: boolean) {
    this.#crashAt = crashAt
    this.#isAnswerLost = isAnswerLost
  }

  async take<Result>(send: () => Promise<Result>): Promise<Result> {
    this.count += 1
    if (this.count < this.#crashAt) return send()
    if (this.count === this.#crashAt && this.#isAnswerLost) await send()
    throw new Crash()
  }
}

/** A storage, and a connection beside it, whose writes are steps. */
function crashing(
  storage: Storage,
  connection: Connection,
  steps: Steps
): { storage: Storage; connection: Connection } {
  const through = <Target extends object>(target: Target, names: readonly string[]): Target =>
    new Proxy(target, {
      get(of, name) {
        const member = Reflect.get(of, name, of)
        if (typeof member !== 'function') return member
        const call = (...args: unknown[]) => member.apply(of, args)
        return names.includes(String(name)) ? (...args: unknown[]) => steps.take(() => call(...args)) : call
      }
    })
  return { storage: through(storage, ['commit']), connection: through(connection, ['write']) }
}

/** Takes the lease, and indexes what is there, in batches of three. A segment has five or more. */
async function index(real: Storage, connection: Connection, steps: Steps): Promise<void> {
  const [token = 0] = await real.leases.acquire([INDEX], { holder: 'one', ttlMs: 60_000 })
  const { storage, connection: sending } = crashing(real, connection, steps)
  const parts = { connection: sending, keys: logKeys(STREAM), storage, segmentSize: 5 }
  let position = await new IndexBuilder(parts, token).begin()
  const writer = new IndexWriter({ ...parts, catalogue: new Catalogue(storage.collections) }, token)
  expect(await writer.open()).toBe(true)
  while (position !== undefined) {
    const { entries }: { entries: readonly Entry[] } = await real.log.read({ from: { after: position }, limit: 3 })
    const last = entries.at(-1)
    if (last === undefined) return
    expect(await writer.add(position, entries, await labelsOf(entries))).toBe(true)
    position = last.messageId
  }
}

/** Reads and counts are right, as a process finds them that looks at the log. */
async function isRight(): Promise<void> {
  const storage = await redis.started({ streamName: STREAM, index: { labelsOf } })
  try {
    const all = await readPages(storage, { limit: 100 })
    for (const time of ['log', 'event'] as const) {
      for (const direction of ['forward', 'backward'] as const) {
        const range = { keys: ['A'], time, direction, limit: 4 }
        expect(await readPages(storage, range)).toEqual(filtered(all, range))
      }
    }
    const rates = await storage.log.rates?.({ per: 'hour', from: 0, to: Date.now() })
    const prices = all.filter(({ payload }) => labelInPayload(payload)?.eventType === 'price').length
    expect(rates?.reduce((sum, { counts }) => sum + (counts.price ?? 0), 0)).toBe(prices)
  } finally {
    await storage.close()
  }
}

test.each([
  ['not sent', false],
  ['sent, and its answer lost', true]
])(
  'a crash at any step, which is %s, harms nothing: reads and counts are right, and the next process goes on',
  async (_, isAnswerLost) => {
    const connection = new Connection(resolveRedisStorageOptions({ url: redis.server.url }), `${STREAM}:confirmed`)
    await connection.open()
    onTestFinished(() => connection.close(100))
    for (let crashAt = 1, hasCrashed = true; hasCrashed; crashAt++) {
      await redis.client.flushAll()
      const storage = await redis.started({ streamName: STREAM })
      const labels = Array.from({ length: 20 }, (_, i) => ({ eventType: 'price', key: i % 2 === 0 ? 'A' : 'B' }))
      await storage.log.append(
        labels.map((label, i) => labelledEntry(i % 5 === 0 ? { ...label, eventTime: i } : label))
      )
      hasCrashed = await index(storage, connection, new Steps(crashAt, isAnswerLost)).then(
        () => false,
        (error) => {
          if (!(error instanceof Crash)) throw error
          return true
        }
      )
      // The lease is still held: what a reader finds then comes from what stands there.
      await isRight()
      await index(storage, connection, new Steps(Number.POSITIVE_INFINITY, false))
      await isRight()
      await storage.close()
    }
  },
  60_000
)
