import type { GroupInfo } from '@tradpal/event-system'
import { Gauge, type Registry } from 'prom-client'

/** How each consumer group stands, for Prometheus. */
export class GroupGauges {
  readonly #pending: Gauge<'group'>
  readonly #oldestPending: Gauge<'group'>
  readonly #retrying: Gauge<'group'>
  readonly #lag: Gauge<'group'>
  readonly #lagSeconds: Gauge<'group'>
  readonly #members: Gauge<'group'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.#pending = new Gauge({
      name: 'event_service_group_pending',
      help: 'Entries handed out to a consumer group and not acknowledged, as of the last STREAM_MONITOR_INTERVAL.',
      labelNames: ['group'],
      registers
    })
    this.#oldestPending = new Gauge({
      name: 'event_service_group_oldest_pending_seconds',
      help: 'The age of the oldest entry handed out to a consumer group and not acknowledged; 0 with none.',
      labelNames: ['group'],
      registers
    })
    this.#retrying = new Gauge({
      name: 'event_service_group_retrying',
      help: 'Entries that failed in a consumer group and wait to be tried again.',
      labelNames: ['group'],
      registers
    })
    this.#lag = new Gauge({
      name: 'event_service_group_lag',
      help: 'Entries not yet handed out to a consumer group, as of the last STREAM_MONITOR_INTERVAL; absent where the log cannot tell.',
      labelNames: ['group'],
      registers
    })
    this.#lagSeconds = new Gauge({
      name: 'event_service_group_lag_seconds',
      help: 'The age of the oldest entry not yet handed out to a consumer group; 0 with none.',
      labelNames: ['group'],
      registers
    })
    this.#members = new Gauge({
      name: 'event_service_group_members',
      help: 'Consumers of a group, those included that are idle or gone and not yet removed.',
      labelNames: ['group'],
      registers
    })
  }

  /** A group that is gone has no values any more. */
  read(groups: readonly GroupInfo[]): void {
    const gauges = [this.#pending, this.#oldestPending, this.#retrying, this.#lag, this.#lagSeconds, this.#members]
    for (const gauge of gauges) gauge.reset()
    for (const { name: group, pending, oldestPendingMs, retrying, lag, lagMs, consumers } of groups) {
      this.#pending.set({ group }, pending)
      this.#oldestPending.set({ group }, (oldestPendingMs ?? 0) / 1000)
      this.#retrying.set({ group }, retrying)
      if (lag !== null) this.#lag.set({ group }, lag)
      this.#lagSeconds.set({ group }, lagMs / 1000)
      this.#members.set({ group }, consumers.filter(({ name }) => name !== '').length)
    }
  }
}
