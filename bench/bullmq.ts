import { type Event, toWire } from '@tradpal/event-system'
import { Queue, Worker } from 'bullmq'
import { byCallers, type Contender, type SharedWork } from './contenders.ts'
import { marketDataBatch } from './events.ts'

const QUEUE = 'bench'
const BATCH = 1_000

/** Callers that each add one job, with the event id as the id of the job: BullMQ adds no second job of an id that it keeps. */
export function addByBullMq(url: string, callers: Pick<SharedWork<Event>, 'callers' | 'made'>): Contender {
  const queue = queueOf(url)
  return byCallers({
    ...callers,
    act: (event) => queue.add('event', toWire(event), { jobId: event.eventId }),
    close: () => queue.close()
  })
}

/** Jobs a second that BullMQ's worker does in one process, 100 at once, each doing nothing and none kept. */
export async function bullMqRate(url: string, count: number): Promise<number> {
  const queue = queueOf(url)
  await queue.obliterate({ force: true })
  const jobs = marketDataBatch(count).map((data) => ({ name: 'price', data }))
  for (let sent = 0; sent < jobs.length; sent += BATCH) await queue.addBulk(jobs.slice(sent, sent + BATCH))
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

function queueOf(url: string): Queue {
  return new Queue(QUEUE, { connection: connectionTo(url), skipVersionCheck: true })
}

function connectionTo(url: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port) }
}
