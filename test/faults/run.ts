import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSystem } from '@tradpal/event-system'
import { mustPartition } from '../../packages/event-system/src/log/index.ts'
import { readDiary } from '../support/diary.ts'
import { noneLeft } from '../support/none-left.ts'
import type { PlannedRun } from '../support/play-runs.ts'
import { mustBeZero, pause, RunProcess } from '../support/run-process.ts'
import { type RedisServer, startRedis } from '../support/start-redis.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { check, type Verdict } from './check.ts'
import type { Entry } from './diary.ts'
import { CONSUMERS, type Fault, planOf, told } from './plan.ts'
import { readLog } from './read-log.ts'
import { GROUP, LEASE_MS, type ProcessSettings, type RunOptions, systemOptions } from './settings.ts'

/** Processes and a log, and somebody who is after them. */
export class Run implements PlannedRun<Verdict> {
  /** Where the diary, the log and the complaints of the processes are, until the run is removed. */
  readonly folder: string
  readonly #plan: readonly Fault[]
  readonly #options: RunOptions
  readonly #redis: RedisServer | undefined
  /** One before each process. */
  readonly #proxies: readonly TcpProxy[]
  readonly #consumers: (RunProcess | undefined)[] = []
  #started = 0

  private constructor(options: RunOptions, folder: string, redis: RedisServer | undefined, proxies: TcpProxy[]) {
    this.#options = options
    this.folder = folder
    this.#redis = redis
    this.#proxies = proxies
    this.#plan = planOf({ ...options, leaseMs: LEASE_MS })
  }

  static async start(options: RunOptions): Promise<Run> {
    const folder = await mkdtemp(join(tmpdir(), 'tradpal-faults-'))
    if (options.log === 'sqlite') return new Run(options, folder, undefined, [])
    const redis = await startRedis({ dir: folder, config: { appendonly: 'yes', appendfsync: 'always' } })
    const proxies = await Promise.all(Array.from({ length: CONSUMERS + 1 }, () => TcpProxy.before(redis.port)))
    return new Run(options, folder, redis, proxies)
  }

  get story(): readonly string[] {
    return this.#plan.map(told)
  }

  /** Runs the plan to its end, waits until all is handled, and holds what was written down against the log. */
  async toItsEnd(): Promise<Verdict> {
    const publisher = this.#process('publishing-process.ts', CONSUMERS, 'publisher')
    try {
      for (let slot = 0; slot < CONSUMERS; slot++) this.#startConsumer(slot)
      await publisher.begun
      const started = performance.now()
      const faults = this.#plan.map(async (fault) => {
        await pause(started + fault.atMs - performance.now())
        await this.#inflict(fault)
      })
      await Promise.all(faults)
      mustBeZero(await publisher.ended, 'The publisher')
      await this.#allIsHandled()
      for (const consumer of this.#consumers) {
        consumer?.thaw()
        await consumer?.begun
        mustBeZero(await consumer?.end(), 'A consumer')
      }
      const { entries, deadLetters } = await readLog(this.#place)
      return check({ diary: await readDiary<Entry>(this.#diary), log: entries, deadLetters })
    } finally {
      await Promise.all([publisher, ...this.#consumers].map((process) => process?.kill()))
    }
  }

  /** Ends what it started. The folder stays. */
  async stop(): Promise<void> {
    for (const proxy of this.#proxies) proxy.close()
    await this.#redis?.stop()
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  get #place(): string {
    return this.#redis?.url ?? join(this.folder, 'events.db')
  }

  get #settings() {
    const { partitioning = 'none' } = this.#options
    return { place: this.#place, partitioning }
  }

  get #diary(): string {
    return join(this.folder, 'diary.ndjson')
  }

  #process(script: 'consuming-process.ts' | 'publishing-process.ts', slot: number, name: string): RunProcess {
    const { ordering, durationMs, seed } = this.#options
    const proxy = this.#proxies[slot]
    const settings: ProcessSettings = {
      ...this.#settings,
      place: proxy === undefined ? this.#place : `redis://127.0.0.1:${proxy.port}`,
      diary: this.#diary,
      ordering,
      name,
      durationMs,
      seed: seed + ++this.#started
    }
    const complaints = join(this.folder, `${name}.log`)
    return new RunProcess({ script: join(import.meta.dirname, script), args: [JSON.stringify(settings)], complaints })
  }

  #startConsumer(slot: number): void {
    this.#consumers[slot] = this.#process('consuming-process.ts', slot, `consumer-${slot}-${this.#started}`)
  }

  async #inflict(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill': {
        const consumer = this.#consumers[fault.consumer]
        // Not there, when it was killed a moment ago.
        if (consumer === undefined) return
        this.#consumers[fault.consumer] = undefined
        await consumer.kill()
        await pause(fault.forMs)
        return this.#startConsumer(fault.consumer)
      }
      case 'freeze': {
        const consumer = this.#consumers[fault.consumer]
        consumer?.freeze()
        await pause(fault.forMs)
        return consumer?.thaw()
      }
      case 'cut off': {
        this.#proxies[fault.process]?.cutOff()
        await pause(fault.forMs)
        return this.#proxies[fault.process]?.mend()
      }
      case 'restart Redis': {
        await this.#redis?.kill()
        await pause(fault.forMs)
        return this.#redis?.restart()
      }
      case 'delete the group':
        return this.#deleteGroup()
    }
  }

  /** As somebody would who does not know that it is used. Redis may be away just then. */
  async #deleteGroup(): Promise<void> {
    const system = new EventSystem({ ...systemOptions(this.#settings), timeoutMs: 500 })
    const { storage } = system
    await system
      .initialize()
      .then(() => (this.#options.ordering === 'key' ? mustPartition(storage, GROUP) : storage.queue(GROUP)).destroy())
      .catch(() => undefined)
    await system.close()
  }

  async #allIsHandled(): Promise<void> {
    await using system = new EventSystem(systemOptions(this.#settings))
    await system.initialize()
    await noneLeft('events to be handled', async () => {
      const { pending, lag } = await system.groups.get(GROUP)
      // Each event that is handled leaves an effect in the log: the lag does not fall with it, but the diary grows.
      const { size } = await stat(this.#diary)
      return { left: pending + (lag ?? Number.POSITIVE_INFINITY), done: size }
    })
  }
}
