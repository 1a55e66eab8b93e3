import { createEvent, EventSystem, EventSystemError } from '@tradpal/event-system'
import { DiaryWriter } from '../support/diary.ts'
import { tellThatItHasBegun } from '../support/run-process.ts'
import type { Entry } from './diary.ts'
import { EVENTS_PER_SECOND, KEYS, type ProcessSettings, systemOptions, TYPES } from './settings.ts'

/** Publishes at its pace for the time of the run, each key's events in order, and writes down what the log has taken. */
const settings: ProcessSettings = JSON.parse(process.argv[2] ?? '')
const { diary, durationMs } = settings
const writer = new DiaryWriter<Entry>(diary)
const system = new EventSystem(systemOptions(settings))
await untilAccepted(() => system.initialize())
tellThatItHasBegun()

const started = performance.now()
let published = 0
for (;;) {
  const elapsedMs = performance.now() - started
  if (elapsedMs > durationMs) break
  // At most one event of each key: after an outage it catches up.
  const due = Math.min(KEYS.length, Math.floor((elapsedMs * EVENTS_PER_SECOND) / 1_000) - published)
  if (due > 0) await publish(published, due)
  published += Math.max(0, due)
  await new Promise((resolve) => setTimeout(resolve, 10))
}
await system.close()

async function publish(from: number, count: number): Promise<void> {
  const numbered = Array.from({ length: count }, (_, i) => ({
    key: KEYS[(from + i) % KEYS.length] as string,
    number: Math.floor((from + i) / KEYS.length) + 1
  }))
  const events = numbered.map(({ key, number }) =>
    createEvent(TYPES[number % TYPES.length] as string, { symbol: key, price: 1, number }, { source: 'the publisher' })
  )
  const messageIds = await untilAccepted(() => system.publishBatch(events))
  writer.write(...numbered.map((at, i) => ({ what: 'accepted' as const, ...at, messageId: messageIds[i] as string })))
}

/** The events keep their ids: what was taken although the answer was lost is taken once. */
async function untilAccepted<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof EventSystemError && error.retryable)) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
