import {
  type ClaimedMessage,
  type ConsumedMessage,
  type DeadLetteredMessage,
  diagnostics,
  type ShreddedMessage,
  type Storage
} from '@tradpal/event-system'
import { Counter, Histogram, Registry } from 'prom-client'
import { GroupLabels, NO_EVENT, removeGroups, typeLabel } from './closed-labels.ts'
import { listenToLog } from './listen.ts'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/**
 * What the consumers of this process do, by group and type, for Prometheus. The service has it beside its own; a process
 * that consumes through the library gives it its own registry:
 *
 *     const metrics = new ConsumerMetrics(system.log)
 *     response.end(await metrics.registry.metrics())
 */
export class ConsumerMetrics {
  readonly registry: Registry
  readonly #stops: (() => void)[]
  readonly #groups = new GroupLabels()
  readonly #consumed: Counter<'group' | 'event_type'>
  readonly #failed: Counter<'group' | 'event_type'>
  readonly #retried: Counter<'group' | 'event_type'>
  readonly #dead: Counter<'group' | 'event_type' | 'kind'>
  readonly #claimed: Counter<'group' | 'event_type'>
  readonly #shredded: Counter<'group'>
  readonly #handling: Histogram<'group' | 'event_type'>

  /** Counts from now on what is consumed of this log in this process, in `registry`, by default one of its own. */
  constructor(storage: Storage, registry = new Registry()) {
    this.registry = registry
    const registers = [registry]
    this.#consumed = new Counter({
      name: 'event_service_group_consumed_total',
      help: 'Events that consumers in this process are done with, by group and type: handled, or pulled and acknowledged.',
      labelNames: ['group', 'event_type'],
      registers
    })
    this.#failed = new Counter({
      name: 'event_service_group_failed_total',
      help: 'Handlings in this process that failed, by group and type, whether or not they are tried again.',
      labelNames: ['group', 'event_type'],
      registers
    })
    this.#retried = new Counter({
      name: 'event_service_group_retried_total',
      help: 'Handlings in this process that are to be tried again, by group and type.',
      labelNames: ['group', 'event_type'],
      registers
    })
    this.#dead = new Counter({
      name: 'event_service_dead_lettered_total',
      help: `Entries that consumers in this process gave up on, by group, type ('${NO_EVENT}' for what is no event) and kind.`,
      labelNames: ['group', 'event_type', 'kind'],
      registers
    })
    this.#claimed = new Counter({
      name: 'event_service_group_claimed_total',
      help: 'Events that consumers in this process took over from others or took up again, by group and type.',
      labelNames: ['group', 'event_type'],
      registers
    })
    this.#shredded = new Counter({
      name: 'event_service_group_shredded_total',
      help: 'Events of shredded subjects that consumers in this process acknowledged unread, by group.',
      labelNames: ['group'],
      registers
    })
    this.#handling = new Histogram({
      name: 'event_service_handling_duration_seconds',
      help: 'How long the handlers of an event took in this process, by group and type; of one that was pulled, until it was settled.',
      labelNames: ['group', 'event_type'],
      buckets: SECONDS,
      registers
    })
    this.#stops = [
      listenToLog<ConsumedMessage>(storage, diagnostics.consumed, (message) => this.#onConsumed(message)),
      listenToLog<DeadLetteredMessage>(storage, diagnostics.deadLettered, (message) => this.#onDead(message)),
      listenToLog<ClaimedMessage>(storage, diagnostics.claimed, (message) => this.#onClaimed(message)),
      listenToLog<ShreddedMessage>(storage, diagnostics.shredded, ({ group }) =>
        this.#shredded.inc({ group: this.#groups.of(group) })
      )
    ]
  }

  /** Takes the current groups of the log, and removes the counts of groups that are gone. Without it at most 1,000 groups have counts of their own, and further groups count as `other`. */
  async listGroups(names: readonly string[]): Promise<void> {
    const gone = this.#groups.list(names)
    const metrics = [this.#consumed, this.#failed, this.#retried, this.#dead, this.#claimed, this.#shredded]
    await removeGroups([...metrics, this.#handling], gone)
  }

  /** Counts no more. */
  close(): void {
    for (const stop of this.#stops) stop()
  }

  #onConsumed({ group, eventType, handlingMs, willRetry, error }: ConsumedMessage): void {
    const labels = { group: this.#groups.of(group), event_type: typeLabel(eventType) }
    this.#handling.observe(labels, handlingMs / 1000)
    if (error !== undefined) this.#failed.inc(labels)
    if (willRetry) this.#retried.inc(labels)
    else if (error === undefined) this.#consumed.inc(labels)
  }

  #onDead({ group, kind, eventType }: DeadLetteredMessage): void {
    this.#dead.inc({ group: this.#groups.of(group), event_type: typeLabel(eventType), kind })
  }

  #onClaimed({ group, eventType, count }: ClaimedMessage): void {
    this.#claimed.inc({ group: this.#groups.of(group), event_type: typeLabel(eventType) }, count)
  }
}
