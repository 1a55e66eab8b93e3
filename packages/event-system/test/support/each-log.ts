import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import type { Storage } from '../../src/log/index.ts'
import { type LogPlace, newLog } from './log-place.ts'

/** A fresh, empty log in each test, on a real file or a real server. */
export interface LogUnderTest {
  readonly place: LogPlace
  /** A started handle. It is closed after the test. */
  open(): Promise<Storage>
}

type LogKind = 'sqlite' | 'redis' | 'redis by type' | 'redis with an index'

const USUAL: readonly LogKind[] = ['sqlite', 'redis']
/** With a Redis that has a stream for each event type too: for what depends on the order of a log, its ids or its units. */
export const ALL_LOGS: readonly LogKind[] = [...USUAL, 'redis by type']
/** Those that have an index: for reads in the order of event times. */
export const LOGS_WITH_INDEX: readonly LogKind[] = ['sqlite', 'redis with an index']

/** Describes a promise that the library keeps over every log: over the embedded one, and over a real Redis. */
export function describeOnEachLog(promise: string, tests: (log: LogUnderTest) => void): void {
  describeOn(USUAL, promise, tests)
}

/** As {@link describeOnEachLog}, over the logs that are named. */
export function describeOn(kinds: readonly LogKind[], promise: string, tests: (log: LogUnderTest) => void): void {
  describe.each(kinds)(`${promise} (%s)`, (kind) => {
    let folder: string
    let server: RedisServer | undefined
    let place: LogPlace
    let handles: Storage[] = []
    let count = 0

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tradpal-library-'))
      if (kind !== 'sqlite') server = await startRedis()
    })
    beforeEach(() => {
      count += 1
      place =
        server === undefined
          ? { path: join(folder, `${count}.db`) }
          : {
              url: server.url,
              streamName: `library_${count}`,
              partitioning: kind === 'redis by type' ? 'type' : 'none',
              index: kind === 'redis with an index' ? 'on' : 'off'
            }
    })
    afterEach(async () => {
      await Promise.all(handles.map((storage) => storage.close()))
      handles = []
    })
    afterAll(async () => {
      await server?.stop()
      await rm(folder, { recursive: true, force: true })
    })

    tests({
      get place() {
        return place
      },
      async open() {
        const storage = newLog(place)
        await storage.start()
        handles.push(storage)
        return storage
      }
    })
  })
}
