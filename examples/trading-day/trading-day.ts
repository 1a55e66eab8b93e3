import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Event, EventSystem, type EventSystemStats, EventType, type StoredEvent } from '@tradpal/event-system'
import { readTradingDates, type TradingDate } from './prices.ts'
import { type ServiceName, ServiceProcesses } from './processes.ts'
import { type Figures, Tally } from './tally.ts'

/** Kill a service once the log holds so many events of a type; at the latest when half of the dates are settled. */
export interface Kill {
  readonly service: ServiceName
  readonly once: { readonly eventType: string; readonly count: number }
}

export interface TradingDayOptions {
  readonly symbols: readonly string[]
  /** Only the first so many trading dates. Default: all. */
  readonly days?: number
  /** Trading dates a second. Default: as fast as it goes. */
  readonly datesPerSecond?: number
  /** Where the log is. Default: a temporary file, removed in the end. */
  readonly log?: { readonly file: string } | { readonly redisUrl: string; readonly streamName: string }
  readonly kills?: readonly Kill[]
  /** Ends the run: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called about ten times a second, and in the end. */
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly tally: Tally
  readonly stats: EventSystemStats
  /** How many of the trading dates were published. */
  readonly published: number
  readonly dates: number
  readonly restarts: number
}

export interface KillReport {
  readonly service: ServiceName
  /** How many events the log held when the service was dead. */
  readonly eventsThen: number
  readonly ordersThen: number
}

export interface TradingDayResult {
  readonly figures: Figures
  /** Events that this run added to the log. */
  readonly events: number
  readonly seconds: number
  readonly eventsPerSecond: number
  /** From the price to the last order that followed from one: price, signal, order. */
  readonly lineage: readonly StoredEvent[]
  readonly kills: readonly KillReport[]
  readonly restarts: number
}

const PROGRESS_MS = 100
/** A run that gets no further for so long is stuck. */
const STUCK_MS = 30_000

/**
 * Runs the platform over the prices until everything that follows from them is in the log. On a log that holds a part of
 * the run already it goes on from there; on one that holds something else it throws.
 */
export async function runTradingDay(options: TradingDayOptions): Promise<TradingDayResult> {
  const dates = await readTradingDates(options.symbols, options.days)
  const folder = options.log === undefined ? await mkdtemp(join(tmpdir(), 'trading-day-')) : undefined
  const log = options.log ?? { file: join(folder ?? '', 'events.db') }
  try {
    await using system = new EventSystem('file' in log ? { logPath: log.file } : log)
    await system.initialize()
    return await new TradingDay(system, dates, options).run(environmentFor(log))
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

/** The variables by which a plain `new EventSystem()` finds the log. An empty one counts as unset. */
function environmentFor(log: NonNullable<TradingDayOptions['log']>): Record<string, string> {
  return 'file' in log
    ? { REDIS_URL: '', EVENT_LOG_PATH: log.file }
    : { REDIS_URL: log.redisUrl, EVENT_STREAM_NAME: log.streamName }
}

class TradingDay {
  readonly #system: EventSystem
  readonly #dates: readonly TradingDate[]
  readonly #options: TradingDayOptions
  readonly #tally = new Tally()
  readonly #killsToDo: Kill[]
  readonly #kills: KillReport[] = []
  #published = 0

  constructor(system: EventSystem, dates: readonly TradingDate[], options: TradingDayOptions) {
    this.#system = system
    this.#dates = dates
    this.#options = options
    this.#killsToDo = [...(options.kills ?? [])]
  }

  async run(environment: Record<string, string>): Promise<TradingDayResult> {
    this.#published = await this.#datesInLog()
    const eventsBefore = (await this.#system.getEventStats()).length
    const services = new ServiceProcesses(environment)
    const stop = new AbortController()
    const following = this.#follow(stop.signal)
    const watching = this.#watch(services, stop.signal)
    const broken = Promise.race([
      services.failed,
      onlyFailureOf(following),
      onlyFailureOf(watching),
      this.#interrupted()
    ])
    try {
      await Promise.race([services.start(), broken])
      const started = performance.now()
      await Promise.race([this.#drive(services, stop.signal), broken])
      const seconds = (performance.now() - started) / 1_000
      const events = this.#tally.total - eventsBefore
      return {
        figures: this.#tally.figures,
        events,
        seconds,
        eventsPerSecond: Math.round(events / seconds),
        lineage: await this.#lineage(),
        kills: this.#kills,
        restarts: services.restarts
      }
    } finally {
      stop.abort()
      await services.stop()
      await Promise.allSettled([following, watching])
    }
  }

  /** The services are killed, if so wished, while the first half is under way: the second half is fed when they are dead. */
  async #drive(services: ServiceProcesses, signal: AbortSignal): Promise<void> {
    const half = Math.ceil(this.#dates.length / 2)
    await this.#feed(half, signal)
    for (;;) {
      const next = this.#killsToDo.find(({ once }) => this.#tally.count(once.eventType) >= once.count)
      const kill = next ?? ((await this.#isSettled()) ? this.#killsToDo[0] : undefined)
      if (kill !== undefined) await this.#kill(services, kill)
      else if (this.#killsToDo.length === 0) break
      else await pause(1, undefined, { signal })
    }
    await this.#feed(this.#dates.length, signal)
    while (!(await this.#isSettled())) await pause(5, undefined, { signal })
  }

  async #kill(services: ServiceProcesses, kill: Kill): Promise<void> {
    this.#killsToDo.splice(this.#killsToDo.indexOf(kill), 1)
    await services.kill(kill.service)
    const { total: eventsThen } = this.#tally
    this.#kills.push({ service: kill.service, eventsThen, ordersThen: this.#tally.count(EventType.ORDER_EXECUTED) })
  }

  /** The prices of a date go in together or not at all. */
  async #feed(until: number, signal: AbortSignal): Promise<void> {
    const { datesPerSecond } = this.#options
    for (; this.#published < until; this.#published++) {
      await this.#system.publishBatch(this.#dates[this.#published] ?? [])
      if (datesPerSecond !== undefined) await pause(1_000 / datesPerSecond, undefined, { signal })
    }
  }

  /** The tally is complete and no service has anything left to do: a risk alert may follow the last portfolio update. */
  async #isSettled(): Promise<boolean> {
    const fed = this.#dates.slice(0, this.#published).reduce((sum, prices) => sum + prices.length, 0)
    if (this.#tally.count(EventType.MARKET_DATA_UPDATE) !== fed || !this.#tally.settled) return false
    const { groups, length } = await this.#system.getEventStats()
    return groups.every(({ pending, lag }) => pending === 0 && lag === 0) && this.#tally.total === length
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for await (const { events } of this.#system.store.follow('start', {}, signal)) {
      for (const event of events) this.#tally.add(event)
    }
  }

  /** Shows how the run goes, and rejects when it goes no further. */
  async #watch(services: ServiceProcesses, signal: AbortSignal): Promise<void> {
    let seen = -1
    let movedAt = 0
    for (let last = false; !last; await pause(last ? 0 : PROGRESS_MS)) {
      last = signal.aborted
      await this.#show(services.restarts)
      if (this.#tally.total !== seen) movedAt = performance.now()
      seen = this.#tally.total
      if (performance.now() - movedAt > STUCK_MS) {
        throw new Error(`Nothing has happened for ${STUCK_MS / 1_000} s, and the run is not done.`)
      }
    }
  }

  async #show(restarts: number): Promise<void> {
    const { onProgress } = this.#options
    if (onProgress === undefined) return
    const stats = await this.#system.getEventStats()
    onProgress({ tally: this.#tally, stats, published: this.#published, dates: this.#dates.length, restarts })
  }

  #interrupted(): Promise<never> {
    const { signal } = this.#options
    return new Promise((_, reject) => {
      if (signal?.aborted) reject(signal.reason)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }

  /** How many of the dates the log holds already. */
  async #datesInLog(): Promise<number> {
    const wanted = this.#dates.flat()
    let count = 0
    for await (const { eventId } of this.#system.readEvents({ eventType: EventType.MARKET_DATA_UPDATE })) {
      if (wanted[count++]?.eventId !== eventId) {
        throw new Error(
          `The log at ${this.#system.storage.location} holds another run (${eventId}); give this one a log of its own.`
        )
      }
    }
    let dates = 0
    for (let inDates = 0; inDates < count; dates++) inDates += this.#dates[dates]?.length ?? 0
    return dates
  }

  async #lineage(): Promise<StoredEvent[]> {
    const order = this.#tally.lastOrder
    if (order === undefined) return []
    const { causes, event } = await this.#system.store.lineage(order.messageId)
    return [...causes, event]
  }
}

/** Rejects with the work, and never resolves: for work whose end is not what is waited for. */
const onlyFailureOf = (work: Promise<unknown>): Promise<never> => work.then(() => new Promise<never>(() => {}))

/** For people: an event in a line. */
export const inALine = ({ eventType, eventId, timestamp }: Event): string =>
  `${timestamp.slice(0, 10)}  ${eventType}  ${eventId}`
