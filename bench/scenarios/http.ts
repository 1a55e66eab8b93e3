import { toWire } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import { httpRate } from '../http-load.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, ratesInTurns } from '../measure.ts'
import { startEmptyFastify, startService } from '../servers.ts'

const REQUESTS = 40_000
const TURN = 4_000
const BATCH = 100
const BATCH_REQUESTS = 500
const BATCH_TURN = 100

/** Publishing over HTTP, beside the same framework with an empty handler. The events carry no id: the service makes one. */
export async function http(log: BenchLog): Promise<Comparison[]> {
  const events = marketDataBatch(BATCH).map((event) => {
    const { event_id, ...rest } = toWire(event)
    return rest
  })
  const single = JSON.stringify(events[0])
  const batch = JSON.stringify(events)
  const service = await startService(log.environment())
  const empty = await startEmptyFastify()
  const json = { 'Content-Type': 'application/json' }
  const singles = {
    ours: (from: number, to: number) => httpRate(`${service.url}/events`, single, json, to - from),
    theirs: (from: number, to: number) => httpRate(`${empty.url}/events`, single, json, to - from)
  }
  const batches = {
    ours: (from: number, to: number) => httpRate(`${service.url}/events/batch`, batch, json, to - from, 10),
    theirs: (from: number, to: number) => httpRate(`${empty.url}/events/batch`, batch, json, to - from, 10)
  }
  // Until the code of both is compiled, in turns too: V8 forgets much of it in a process that rests for some seconds.
  await ratesInTurns(BATCH_REQUESTS, BATCH_TURN, batches)
  await ratesInTurns(REQUESTS, TURN, singles)
  const one = await ratesInTurns(REQUESTS, TURN, singles)
  const hundred = await ratesInTurns(BATCH_REQUESTS, BATCH_TURN, batches)
  await service.close()
  await empty.close()
  const peer = 'empty fastify handler, requests grouped likewise'
  return [
    {
      what: `HTTP, ${log.kind}: POST /events, 50 connections`,
      unit: 'requests/s',
      ...one,
      peer
    },
    {
      what: `HTTP, ${log.kind}: POST /events/batch of 100, 10 connections`,
      unit: 'events/s',
      ours: BATCH * hundred.ours,
      peer,
      theirs: BATCH * hundred.theirs
    }
  ] satisfies Comparison[]
}
