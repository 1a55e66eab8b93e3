import type { EventSystem } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import { type BenchLog, type RawDriver, rawEntryOf } from '../logs.ts'
import { type Comparison, rate } from '../measure.ts'

const COUNT = 100_000
const BATCH = 1_000

/** Reading by the library: replay. The peer parses the JSON of each payload too. */
export async function reading(log: BenchLog): Promise<Comparison[]> {
  await using system = await log.system()
  await fill(system)
  const replayed = await rate(COUNT, () => system.replayEvents({}, () => {}))
  await system.close()

  const raw = await log.raw()
  await fillRaw(raw)
  const replayedRaw = await rate(COUNT, () => raw.readAll(1_000, JSON.parse))
  await raw.close()
  const replay: Comparison = {
    what: `library, ${log.kind}: replay`,
    unit: 'events/s',
    ours: replayed,
    peer: `${log.driver} + JSON.parse`,
    theirs: replayedRaw,
    floor: 150_000
  }
  return [replay]
}

async function fill(system: EventSystem): Promise<void> {
  for (let i = 0; i < COUNT / BATCH; i++) await system.publishBatch(marketDataBatch(BATCH))
}

async function fillRaw(raw: RawDriver): Promise<void> {
  for (let i = 0; i < COUNT / BATCH; i++) await raw.appendMany(marketDataBatch(BATCH).map(rawEntryOf))
}
