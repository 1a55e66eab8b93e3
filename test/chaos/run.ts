import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiaryWriter, readDiary } from '../support/diary.ts'
import { freePort } from '../support/free-port.ts'
import { noneLeft } from '../support/none-left.ts'
import type { PlannedRun } from '../support/play-runs.ts'
import { mustBeZero, pause, RunProcess } from '../support/run-process.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { check, type LogEntry, type Verdict } from './check.ts'
import type { Entry } from './diary.ts'
import { openDisk, type SpoolDisk } from './disk.ts'
import { type Fault, planOf, told } from './plan.ts'
import { readLog, recordsIn } from './read-log.ts'
import { openServers, type Servers } from './servers.ts'
import { Service } from './service.ts'
import { CLIENT, type LibraryWay, PUBLISHERS, type PublisherSettings } from './settings.ts'
import type { Subject } from './subjects.ts'

const NAMES = [...PUBLISHERS, CLIENT]

export interface RunOptions extends Subject {
  readonly seed: number
  readonly durationMs: number
  /** The longest outage, in ms. */
  readonly longestMs: number
}

/** Publishers and a log, and somebody who is after them. */
export class Run implements PlannedRun<Verdict> {
  /** Where the diary, what the log holds and the complaints of the processes are, until the run is removed. */
  readonly folder: string
  readonly #plan: readonly Fault[]
  readonly #options: RunOptions
  readonly #servers: Servers
  readonly #disk: SpoolDisk
  readonly #service: Service
  /** One before each process that publishes, by its name. */
  readonly #proxies: ReadonlyMap<string, TcpProxy>
  readonly #publishers = new Map<string, RunProcess>()
  #started = 0
  #until = 0

  private constructor(
    options: RunOptions,
    place: { folder: string; servers: Servers; disk: SpoolDisk; proxies: ReadonlyMap<string, TcpProxy>; port: number }
  ) {
    this.#options = options
    this.folder = place.folder
    this.#plan = planOf(options)
    this.#servers = place.servers
    this.#disk = place.disk
    this.#proxies = place.proxies
    const way = this.#libraryWay(CLIENT)
    this.#service = new Service({ ...way, port: place.port, complaints: join(place.folder, 'service.log') })
  }

  static async start(options: RunOptions): Promise<Run> {
    const folder = await mkdtemp(join(tmpdir(), 'tradpal-chaos-'))
    const servers = await openServers(options.redis, folder)
    const { port } = servers
    const made = port === undefined ? [] : NAMES.map(async (name) => [name, await TcpProxy.before(port)] as const)
    const proxies = new Map(await Promise.all(made))
    return new Run(options, { folder, servers, disk: openDisk(options.disk, folder), proxies, port: await freePort() })
  }

  get story(): readonly string[] {
    return this.#plan.map(told)
  }

  /** Runs the plan to its end, waits until the spools are empty, and holds what was written down against the log. */
  async toItsEnd(): Promise<Verdict> {
    const { durationMs, deduplicationWindowMs } = this.#options
    try {
      this.#until = Date.now() + durationMs
      await this.#service.start()
      for (const name of NAMES) this.#startPublisher(name)
      await Promise.all([...this.#publishers.values()].map(({ begun }) => begun))
      const started = performance.now()
      const faults = this.#plan.map(async (fault) => {
        await pause(started + fault.atMs - performance.now())
        await this.#inflict(fault)
      })
      await Promise.all(faults)
      for (const [name, publisher] of this.#publishers) mustBeZero(await publisher.ended, `The publisher '${name}'`)
      await noneLeft('records of the spool', () => {
        const left = recordsIn(this.#spoolPath(CLIENT))
        return { left, done: -left }
      })
      mustBeZero(await this.#service.end(), 'The service')
      const log = await readLog(await this.#servers.masterUrl())
      new DiaryWriter<LogEntry>(join(this.folder, 'log.ndjson')).write(...log)
      return check({
        diary: await readDiary<Entry>(this.#diary),
        log,
        deduplicationWindowMs,
        leftInSpools: Object.fromEntries(NAMES.map((name) => [name, recordsIn(this.#spoolPath(name))]))
      })
    } finally {
      await Promise.all([this.#service, ...this.#publishers.values()].map((process) => process.kill()))
    }
  }

  /** Ends what it started. The folder stays. Idempotent. */
  async stop(): Promise<void> {
    for (const proxy of this.#proxies.values()) proxy.close()
    await this.#servers.stop()
    this.#disk.close()
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  get #diary(): string {
    return join(this.folder, 'diary.ndjson')
  }

  #spoolPath(name: string): string {
    return join(this.#disk.path, `${name}.db`)
  }

  #libraryWay(name: string): LibraryWay {
    const { redis, deduplicationWindowMs } = this.#options
    const proxy = this.#proxies.get(name)
    return {
      kind: 'library',
      redisUrl: proxy === undefined ? this.#servers.url : `redis://127.0.0.1:${proxy.port}`,
      spoolPath: this.#spoolPath(name),
      durability: redis === 'alone' ? 'memory' : 'replicas:1',
      deduplicationWindowMs
    }
  }

  #startPublisher(name: string): void {
    const settings: PublisherSettings = {
      name,
      diary: this.#diary,
      seed: this.#options.seed + ++this.#started,
      until: this.#until,
      way: name === CLIENT ? { kind: 'service', url: this.#service.url } : this.#libraryWay(name)
    }
    const script = join(import.meta.dirname, 'publishing-process.ts')
    const complaints = join(this.folder, `${name}.log`)
    this.#publishers.set(name, new RunProcess({ script, args: [JSON.stringify(settings)], complaints }))
  }

  async #inflict(fault: Fault): Promise<void> {
    const { kind, forMs, whom } = fault
    switch (kind) {
      case 'kill Redis':
        return this.#servers.kill(forMs)
      case 'freeze Redis':
        return this.#servers.freeze(forMs)
      case 'kill the service':
        return this.#inTheMiddle(whom, () => this.#service.killFor(forMs))
      case 'kill a publisher': {
        await this.#inTheMiddle(whom, async () => this.#publishers.get(whom)?.kill())
        await pause(forMs)
        return this.#startPublisher(whom)
      }
      case 'freeze a publisher': {
        const publisher = this.#publishers.get(whom)
        publisher?.freeze()
        await pause(forMs)
        return publisher?.thaw()
      }
      case 'fill the disk':
        return this.#fillTheDisk(forMs)
      case 'reset':
        return this.#proxies.get(whom)?.reset()
      case 'cut off':
      case 'lose answers':
      case 'delay':
        return this.#disturb(fault)
    }
  }

  /** When publishes are under way, which take a moment then. */
  async #inTheMiddle(whom: string, kill: () => Promise<void>): Promise<void> {
    const proxy = this.#proxies.get(whom)
    proxy?.delay(100)
    await pause(150)
    const killed = kill()
    proxy?.mend()
    await killed
  }

  /** When it matters: the log is away; and it is there again while the disk is still full. */
  async #fillTheDisk(forMs: number): Promise<void> {
    const proxies = [...this.#proxies.values()]
    for (const proxy of proxies) proxy.cutOff()
    await pause(forMs / 2)
    this.#disk.fill()
    await pause(forMs / 2)
    for (const proxy of proxies) proxy.mend()
    await pause(500)
    this.#disk.makeRoom()
  }

  /** Answers that are lost are lost with their connection. */
  async #disturb({ kind, forMs, whom }: Fault): Promise<void> {
    const proxy = this.#proxies.get(whom)
    if (kind === 'cut off') proxy?.cutOff()
    else if (kind === 'delay') proxy?.delay(forMs / 4)
    else proxy?.loseAnswers()
    await pause(forMs)
    if (kind === 'lose answers') proxy?.cutOff()
    proxy?.mend()
  }
}
