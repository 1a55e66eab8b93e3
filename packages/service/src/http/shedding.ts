import { monitorEventLoopDelay } from 'node:perf_hooks'
import { EventSystemError } from '@tradpal/event-system'
import type { App, AppContext } from './context.ts'

/** How often it is looked at how far the event loop lags behind, in ms. */
const LOOK_MS = 250
/** How exactly, in ms. */
const RESOLUTION_MS = 10
/** What is measured before so much time has passed is the start itself, in ms. */
const START_MS = 500

/** Refuses what comes in this scope while the event loop lags behind: readers, consumers and probes get their turn. */
export async function shedLoad(app: App, { configuration }: AppContext): Promise<void> {
  const { maxEventLoopDelayMs } = configuration
  const lag = new Lag()
  app.addHook('onReady', async () => lag.start())
  app.addHook('onClose', async () => lag.close())
  app.addHook('onRequest', (_request, _reply, done) => {
    if (lag.ms <= maxEventLoopDelayMs) return done()
    const message = `The service lags ${Math.round(lag.ms)} ms behind, more than ${maxEventLoopDelayMs} (EVENT_MAX_EVENT_LOOP_DELAY_MS); nothing was written.`
    done(new EventSystemError('service_unavailable', message))
  })
}

/**
 * How far the event loop lags behind: how long its turns took on average since it was looked at last. As
 * `@fastify/under-pressure` measures it, which takes one long turn, in which there is nothing to be measured, for an infinite lag.
 */
class Lag {
  readonly #turns = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #timers: NodeJS.Timeout[] = []
  #ms = 0

  get ms(): number {
    return this.#ms
  }

  start(): void {
    this.#timers.push(
      setTimeout(() => this.#turns.enable(), START_MS).unref(),
      setInterval(() => this.#look(), LOOK_MS).unref()
    )
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#turns.disable()
  }

  #look(): void {
    if (this.#turns.count === 0) return
    this.#ms = Math.max(0, this.#turns.mean / 1e6 - RESOLUTION_MS)
    this.#turns.reset()
  }
}
