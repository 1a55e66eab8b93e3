import {
  type ConsumedMessage,
  diagnostics,
  type EventSystem,
  type EventSystemStats,
  knownEventTypes,
  type Logger,
  type PublishedMessage,
  type TrimmedMessage
} from '@tradpal/event-system'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ServiceConfiguration } from '../configuration.ts'
import { GroupLabels, removeGroups, typeLabel } from './closed-labels.ts'
import { ConsumerMetrics } from './consumer-metrics.ts'
import { GroupGauges } from './group-gauges.ts'
import { listenToLog } from './listen.ts'
import { PublishingMetrics } from './publishing-metrics.ts'
import { SkippedEntries } from './skipped-entries.ts'

const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What Prometheus is told. The counters are fed by the library's diagnostics channels, and count this process alone. */
export class Metrics {
  readonly registry = new Registry()
  readonly #system: EventSystem
  readonly #configuration: ServiceConfiguration
  readonly #logger: Logger
  readonly #stops: (() => void)[] = []
  readonly #timers: NodeJS.Timeout[] = []
  #streams = 0
  #groupConsumers = 0

  readonly #published = new Counter({
    name: 'event_service_events_published_total',
    help: 'Events that this service appended to the log, by type. Duplicates are left out.',
    labelNames: ['event_type'],
    registers: [this.registry]
  })
  readonly #consumed = new Counter({
    name: 'event_service_events_consumed_total',
    help: 'Events that this service handed out, by type: to each reader of GET /events/stream, and to consumers in this process.',
    labelNames: ['event_type'],
    registers: [this.registry]
  })
  readonly #subscribers = new Gauge({
    name: 'event_service_active_subscribers',
    help: "Readers of GET /events/stream on this service, plus the consumers of all the log's consumer groups as of the last METRICS_UPDATE_INTERVAL.",
    registers: [this.registry]
  })
  readonly #consumers: ConsumerMetrics
  readonly #skipped: SkippedEntries
  readonly #publishing: PublishingMetrics
  readonly #streamLength = new Gauge({
    name: 'event_service_stream_length',
    help: 'Entries in the log as of the last STREAM_MONITOR_INTERVAL.',
    registers: [this.registry]
  })
  readonly #groups = new GroupGauges(this.registry)
  readonly #deadLetters = new Gauge({
    name: 'event_service_dead_letters',
    help: 'Dead letters in the log as of the last STREAM_MONITOR_INTERVAL.',
    registers: [this.registry]
  })
  readonly #publishLatency = new Histogram({
    name: 'event_service_publish_duration_seconds',
    help: 'From the validation of an event, or a batch, to the answer of the log.',
    buckets: LATENCY_BUCKETS,
    registers: [this.registry]
  })
  readonly #deliveryLatency = new Histogram({
    name: 'event_service_delivery_latency_seconds',
    help: 'From the append of an event to its being handed out, to a live reader of GET /events/stream or to a handler in this process.',
    buckets: LATENCY_BUCKETS,
    registers: [this.registry]
  })
  readonly #trimmed = new Counter({
    name: 'event_service_events_trimmed_total',
    help: 'Events that this service removed from the log because they were beyond the limits of retention.',
    registers: [this.registry]
  })
  readonly #lost = new Counter({
    name: 'event_service_events_lost_total',
    help: 'Events that this service removed by force although a consumer group had not acknowledged them, by group.',
    labelNames: ['group'],
    registers: [this.registry]
  })
  readonly #lostGroups = new GroupLabels()
  readonly errors = new Counter({
    name: 'event_service_errors_total',
    help: 'Requests that were refused or failed, by the code of the problem.',
    labelNames: ['code'],
    registers: [this.registry]
  })
  readonly rateLimited = new Counter({
    name: 'event_service_rate_limited_total',
    help: 'What was refused because its caller, or all together, had used up a limit, by limit.',
    labelNames: ['limit'],
    registers: [this.registry]
  })
  readonly streamsCutOff = new Counter({
    name: 'event_service_streams_cut_off_total',
    help: 'Readers of GET /events/stream that did not take what was sent and were cut off.',
    registers: [this.registry]
  })

  constructor(system: EventSystem, configuration: ServiceConfiguration, logger: Logger) {
    this.#system = system
    this.#configuration = configuration
    this.#logger = logger
    this.#consumers = new ConsumerMetrics(system.storage, this.registry)
    this.#skipped = new SkippedEntries(system, this.registry, logger)
    this.#publishing = new PublishingMetrics(system, this.registry)
    collectDefaultMetrics({ register: this.registry })
    for (const event_type of knownEventTypes()) {
      this.#published.inc({ event_type }, 0)
      this.#consumed.inc({ event_type }, 0)
    }
  }

  /** Begins to listen, reads the gauges once, and again at their intervals. */
  async start(): Promise<void> {
    const { storage } = this.#system
    this.#stops.push(
      listenToLog<PublishedMessage>(storage, diagnostics.published, (message) => this.#onPublished(message)),
      listenToLog<ConsumedMessage>(storage, diagnostics.consumed, (message) => this.#onConsumed(message)),
      listenToLog<TrimmedMessage>(storage, diagnostics.trimmed, (message) => this.#onTrimmed(message))
    )
    const { metricsUpdateIntervalSeconds, streamMonitorIntervalSeconds } = this.#configuration
    this.#every(metricsUpdateIntervalSeconds, (stats) => this.#readSubscribers(stats))
    this.#every(streamMonitorIntervalSeconds, (stats) => this.#readLog(stats))
    await this.#refresh((stats) => {
      this.#readSubscribers(stats)
      return this.#readLog(stats)
    })
  }

  close(): void {
    for (const stop of this.#stops) stop()
    for (const timer of this.#timers) clearInterval(timer)
    this.#consumers.close()
    this.#skipped.close()
    this.#publishing.close()
    this.registry.clear()
  }

  /** Shows how many bytes of request bodies are held, as of when it is asked. */
  showBodies(bytes: () => number): void {
    new Gauge({
      name: 'event_service_body_bytes_in_flight',
      help: 'Bytes of request bodies that this service holds: of requests that are not answered yet.',
      registers: [this.registry],
      collect() {
        this.set(bytes())
      }
    })
  }

  setStreams(streams: number): void {
    this.#streams = streams
    this.#subscribers.set(this.#streams + this.#groupConsumers)
  }

  /** An event was handed out; `latencyMs` when it was appended while its receiver waited. */
  handedOut(eventType: string, latencyMs: number | undefined): void {
    this.#consumed.inc({ event_type: typeLabel(eventType) })
    if (latencyMs !== undefined) this.#deliveryLatency.observe(Math.max(0, latencyMs) / 1000)
  }

  #onPublished({ byType, durationMs }: PublishedMessage): void {
    for (const [eventType, count] of byType) this.#published.inc({ event_type: typeLabel(eventType) }, count)
    this.#publishLatency.observe(durationMs / 1000)
  }

  #onConsumed({ eventType, attempt, deliveryMs }: ConsumedMessage): void {
    if (attempt === 1) this.handedOut(eventType, deliveryMs)
  }

  #onTrimmed({ removed, lostByGroup }: TrimmedMessage): void {
    this.#trimmed.inc(removed)
    for (const [group, count] of Object.entries(lostByGroup))
      this.#lost.inc({ group: this.#lostGroups.of(group) }, count)
  }

  #readSubscribers({ groups }: EventSystemStats): void {
    this.#groupConsumers = groups.reduce((sum, { consumers }) => sum + consumers.length, 0)
    this.setStreams(this.#streams)
  }

  async #readLog({ length, deadLetters, groups }: EventSystemStats): Promise<void> {
    this.#streamLength.set(length)
    this.#deadLetters.set(deadLetters)
    this.#groups.read(groups)
    const names = groups.map(({ name }) => name)
    await this.#consumers.listGroups(names)
    await removeGroups([this.#lost], this.#lostGroups.list(names))
  }

  #every(seconds: number, read: (stats: EventSystemStats) => unknown): void {
    this.#timers.push(setInterval(() => this.#refresh(read), seconds * 1000).unref())
  }

  /** A gauge whose log cannot be read keeps its last value. */
  async #refresh(read: (stats: EventSystemStats) => unknown): Promise<void> {
    try {
      await read(await this.#system.getEventStats())
    } catch (error) {
      const code = (error as { code?: unknown }).code
      this.#logger.warn({ code, err: error }, 'the gauges could not be refreshed')
    }
  }
}
