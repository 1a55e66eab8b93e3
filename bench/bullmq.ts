import { Queue, Worker } from 'bullmq'
import { marketDataBatch } from './events.ts'

const QUEUE = 'bench'
const BATCH = 1_000

/** Jobs a second that BullMQ takes in bulk, each with the data of an event. */
export async function bullMqAddRate(url: string, count: number): Promise<number> {
  const queue = await emptyQueue(url)
  const jobs = jobsOf(count)
  const started = performance.now()
  await fill(queue, jobs)
  const rate = (count / (performance.now() - started)) * 1_000
  await queue.close()
  return rate
}

/** Jobs a second that BullMQ's worker does in one process, 100 at once, each doing nothing and none kept. */
export async function bullMqRate(url: string, count: number): Promise<number> {
  const queue = await emptyQueue(url)
  await fill(queue, jobsOf(count))
  let done = 0
  const all = Promise.withResolvers<void>()
  const started = performance.now()
  const worker = new Worker(
    QUEUE,
    async () => {
      if (++done === count) all.resolve()
    },
    { connection: connectionTo(url), concurrency: 100, removeOnComplete: { count: 0 }, skipVersionCheck: true }
  )
  await all.promise
  const rate = (count / (performance.now() - started)) * 1_000
  await worker.close()
  await queue.close()
  return rate
}

async function emptyQueue(url: string): Promise<Queue> {
  const queue = new Queue(QUEUE, { connection: connectionTo(url), skipVersionCheck: true })
  await queue.obliterate({ force: true })
  return queue
}

function jobsOf(count: number) {
  return marketDataBatch(count).map((data) => ({ name: 'price', data }))
}

async function fill(queue: Queue, jobs: ReturnType<typeof jobsOf>): Promise<void> {
  for (let sent = 0; sent < jobs.length; sent += BATCH) await queue.addBulk(jobs.slice(sent, sent + BATCH))
}

function connectionTo(url: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port) }
}
