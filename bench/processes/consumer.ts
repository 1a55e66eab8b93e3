import { EventSystem } from '@tradpal/event-system'

/** A process that consumes in the group `bench`, one event at a time, each of which takes it 1 ms. It says when it does. SIGTERM ends it. */
const system = new EventSystem()
await system.initialize()
system.registerHandler('*', () => new Promise((resolve) => setTimeout(resolve, 1)))
await system.startConsuming({ group: 'bench', from: 'new', concurrency: 1, prefetch: 20 })
process.on('SIGTERM', async () => {
  await system.close()
  process.exit(0)
})
process.send?.('consuming')
