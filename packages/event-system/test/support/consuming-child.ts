import { EventSubscriber } from '../../src/consume/index.ts'
import { type LogPlace, newLog } from './log-place.ts'

/**
 * A consumer in a process of its own, for tests that kill it: `consuming-child.ts <place> <group> <consumer> hang|done`. It writes the
 * event id of what it handles, a line each; with `hang` its handler never ends, with `done` it ends and nothing is acknowledged.
 */
const [place = '', group = '', consumer = '', mode] = process.argv.slice(2)
const storage = newLog(JSON.parse(place) as LogPlace)
await storage.start()
if (mode === 'done') storage.queue = withoutAcknowledgement(storage.queue.bind(storage))
const subscriber = new EventSubscriber({ storage })
subscriber.registerHandler('*', async ({ eventId }) => {
  process.stdout.write(`${eventId}\n`)
  if (mode === 'hang') await new Promise(() => setInterval(() => {}, 1_000))
})
await subscriber.startConsuming({ group, consumer, from: 'start' })

function withoutAcknowledgement(original: typeof storage.queue): typeof storage.queue {
  return (name) => Object.assign(original(name), { acknowledge: () => new Promise<never>(() => {}) })
}
