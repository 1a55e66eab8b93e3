import { createEvent, EventSystem } from '@tradpal/event-system'
import pino from 'pino'
import { DiaryWriter } from '../support/diary.ts'
import { randomFrom } from '../support/random.ts'
import { tellThatItHasBegun } from '../support/run-process.ts'
import type { Entry } from './diary.ts'
import { EFFECT, GROUP, LEASE_MS, type ProcessSettings, systemOptions, TYPES } from './settings.ts'

/**
 * A member of the group. It writes down what it handles, publishes one effect of each event with it, is slow at times
 * and fails at times. SIGTERM ends it in order.
 */
const settings: ProcessSettings = JSON.parse(process.argv[2] ?? '')
const { diary, ordering, name, seed } = settings
const writer = new DiaryWriter<Entry>(diary)
const random = randomFrom(seed)
const system = new EventSystem({ ...systemOptions(settings), logger: pino(pino.destination({ dest: 2, sync: true })) })

system.registerHandler(
  TYPES,
  async ({ eventId, data }, context) => {
    const { messageId, attempt, fencingToken: token, consumer } = context
    const number = Number(data.number)
    const entry = { key: String(data.symbol), number, messageId, attempt, token, consumer }
    writer.write({ what: 'begun', ...entry })
    context.publish(createEvent(EFFECT, { of: data.symbol, number }, { source: consumer }))
    if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, random() * 20))
    if (random() < 0.01) {
      writer.write({ what: 'failed', ...entry })
      throw new Error(`${eventId} is not to succeed now.`)
    }
    writer.write({ what: 'done', ...entry })
  },
  { name: 'effects', maxAttempts: 100, backoff: { initialMs: 5, maxMs: 50 } }
)

async function consume(): Promise<void> {
  await system.initialize()
  await system.startConsuming({
    group: GROUP,
    consumer: name,
    from: 'start',
    concurrency: 32,
    ...(ordering === 'key' ? { ordering, leaseMs: LEASE_MS } : { ordering, claimAfterMs: LEASE_MS })
  })
}

process.once('SIGTERM', async () => {
  await system.close()
  process.exit(0)
})
tellThatItHasBegun()
// Redis may be away just now: whoever supervises such a process would start it again until it is not.
for (;;) {
  try {
    await consume()
    break
  } catch (error) {
    console.error(error)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
