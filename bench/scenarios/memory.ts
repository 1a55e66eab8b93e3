import { setTimeout as sleep } from 'node:timers/promises'
import { encodeEvent } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import { httpRate } from '../http-load.ts'
import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'
import { startService } from '../servers.ts'

const EVENTS = 1_000_000
const BATCH = 500
const REST_MS = 10_000

/** What the service keeps in memory, at rest, after it took a million events. */
export async function memory(log: BenchLog): Promise<Comparison[]> {
  const service = await startService(log.environment())
  const body = marketDataBatch(BATCH)
    .map((event) => JSON.stringify({ ...JSON.parse(encodeEvent(event)), event_id: undefined }))
    .join('\n')
  await httpRate(`${service.url}/events/batch`, body, { 'Content-Type': 'application/x-ndjson' }, EVENTS / BATCH, 4)
  await sleep(REST_MS)
  const ours = await service.residentMb()
  await service.close()
  return [{ what: `service, ${log.kind}: resident at rest after 1,000,000 events`, unit: 'MB', ours, floor: 250 }]
}
