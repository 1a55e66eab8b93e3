import { Queue, Worker } from 'bullmq'
import { marketData } from './events.ts'

const QUEUE = 'bench'
const BATCH = 1_000

/** Jobs a second that BullMQ's worker does in one process, 100 at once, each doing nothing and none kept.. */
export async function bullMqRate(url: string, count: number): Promise<number> {
  const { hostname: host, port } = new URL(url)
  const connection = { host, port: Number(port) }
  const queue = new Queue(QUEUE, { connection, skipVersionCheck: true })
  await queue.obliterate({ force: true })
  for (let sent = 0; sent < count; sent += BATCH) {
    await queue.addBulk(Array.from({ length: BATCH }, (_, i) => ({ name: 'price', data: marketData(sent + i) })))
  }
  let done = 0
  const all = Promise.withResolvers<void>()
  const started = performance.now()
  const worker = new Worker(
    QUEUE,
    async () => {
      if (++done === count) all.resolve()
    },
    { connection, concurrency: 100, removeOnComplete: { count: 0 }, skipVersionCheck: true }
  )
  await all.promise
  const rate = (count / (performance.now() - started)) * 1_000
  await worker.close()
  await queue.close()
  return rate
}
