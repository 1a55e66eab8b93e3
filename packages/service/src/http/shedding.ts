import underPressure from '@fastify/under-pressure'
import { EventSystemError } from '@tradpal/event-system'
import type { App, AppContext } from './context.ts'

/** How often it is looked at how far the event loop lags behind, in ms. */
const SAMPLE_MS = 250

/** What is measured before so much time has passed is the start itself, in ms. */
const START_MS = 3 * SAMPLE_MS

/** Refuses what comes in this scope while the event loop lags behind: readers, consumers and probes get their turn. */
export async function shedLoad(app: App, { configuration }: AppContext): Promise<void> {
  const { maxEventLoopDelayMs } = configuration
  let startedAt = Number.POSITIVE_INFINITY
  app.addHook('onReady', async () => {
    startedAt = performance.now()
  })
  await app.register(underPressure, {
    maxEventLoopDelay: maxEventLoopDelayMs,
    sampleInterval: SAMPLE_MS,
    pressureHandler: (_request, _reply, _kind, value) => {
      if (!(performance.now() - startedAt > START_MS)) return
      const lag = Math.round(value ?? 0)
      throw new EventSystemError(
        'service_unavailable',
        `The service lags ${lag} ms behind, more than ${maxEventLoopDelayMs} (EVENT_MAX_EVENT_LOOP_DELAY_MS); nothing was written.`
      )
    }
  })
}
