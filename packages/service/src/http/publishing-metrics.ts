import { type AheadMessage, diagnostics, type EventSystem, type SpooledMessage } from '@tradpal/event-system'
import { Counter, Gauge, type Registry } from 'prom-client'
import { listenToLog } from './listen.ts'

/** How publishing goes when the log does not take everything at once, for Prometheus. The gauges are read when it asks. */
export class PublishingMetrics {
  readonly #stops: readonly (() => void)[]

  constructor(system: EventSystem, registry: Registry) {
    const registers = [registry]
    const state = () => system.publisher.state()
    const spooled = new Counter({
      name: 'event_service_events_spooled_total',
      help: 'Events that the log did not take in time and that went into the spool.',
      registers
    })
    const ahead = new Counter({
      name: 'event_service_events_ahead_total',
      help: 'Events that were published with a timestamp more than five minutes ahead of the clock.',
      registers
    })
    new Gauge({
      name: 'event_service_spool_events',
      help: 'Events that wait in the spool to come into the log.',
      registers,
      async collect() {
        this.set((await state()).spool?.events ?? 0)
      }
    })
    new Gauge({
      name: 'event_service_spool_bytes',
      help: 'Bytes of the events that wait in the spool, and of those that the log refused for good.',
      registers,
      async collect() {
        this.set((await state()).spool?.bytes ?? 0)
      }
    })
    new Gauge({
      name: 'event_service_spool_oldest_seconds',
      help: 'Since the oldest event in the spool was published; 0 with none.',
      registers,
      async collect() {
        this.set(((await state()).spool?.oldestMs ?? 0) / 1000)
      }
    })
    new Gauge({
      name: 'event_service_spool_refused_events',
      help: 'Events of the spool that never come into the log, since their event ids stand for other events there.',
      registers,
      async collect() {
        this.set((await state()).spool?.refused ?? 0)
      }
    })
    new Gauge({
      name: 'event_service_publishes_in_flight',
      help: 'Events that wait for an answer of the log.',
      registers,
      async collect() {
        this.set((await state()).inFlight.events)
      }
    })
    new Gauge({
      name: 'event_service_log_takes',
      help: '0 while most appends fail and publishes are not sent to the log, else 1.',
      registers,
      async collect() {
        this.set((await state()).isLogTaking ? 1 : 0)
      }
    })
    this.#stops = [
      listenToLog<SpooledMessage>(system.storage, diagnostics.spooled, ({ events }) => spooled.inc(events)),
      listenToLog<AheadMessage>(system.storage, diagnostics.ahead, ({ events }) => ahead.inc(events))
    ]
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }
}
