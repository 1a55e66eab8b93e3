import { EventSystem, type EventSystemOptions } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, rate } from '../measure.ts'
import { newKeysFile } from './encryption.ts'

const COUNT = 20_000
const BATCH = 1_000
const MEMBERS = [1, 2, 4]

/** Consuming in order by key with more members in one process, whose handlers do nothing: what it costs that each member reads the whole stream. */
export async function membersByKey(log: BenchLog): Promise<Comparison[]> {
  const { keysFile, remove } = await newKeysFile()
  try {
    const plain = await compared('consume in order by key', log, {})
    return [
      ...plain,
      ...(await compared('consume encrypted events in order by key', log, { encryption: { keysFile } }))
    ]
  } finally {
    await remove()
  }
}

async function compared(work: string, log: BenchLog, options: EventSystemOptions): Promise<Comparison[]> {
  const rates: number[] = []
  for (const members of MEMBERS) rates.push(await rateOf(members, log, options))
  const [alone = 0, ...others] = rates
  return others.map((ours, i) => ({
    what: `library, ${log.kind}: ${work}, ${MEMBERS[i + 1]} members in one process`,
    unit: 'events/s',
    ours,
    peer: 'one member',
    theirs: alone
  }))
}

async function rateOf(members: number, log: BenchLog, options: EventSystemOptions): Promise<number> {
  await (await log.raw()).close()
  const environment = log.environment()
  const systems = Array.from({ length: members }, () => new EventSystem({ environment, ...options }))
  let handled = 0
  const all = Promise.withResolvers<void>()
  for (const system of systems) {
    await system.initialize()
    system.registerHandler('*', () => {
      if (++handled === COUNT) all.resolve()
    })
    // A member joins with its share before there is anything to read.
    await system.startConsuming({ group: 'bench', from: 'new', ordering: 'key', partitions: 8, leaseMs: 1_000 })
  }
  await haveShares(systems)
  try {
    return await rate(COUNT, async () => {
      for (let done = 0; done < COUNT; done += BATCH) await systems[0]?.publishBatch(marketDataBatch(BATCH))
      await all.promise
    })
  } finally {
    for (const system of systems) await system.close()
  }
}

async function haveShares(systems: readonly EventSystem[]): Promise<void> {
  for (;;) {
    const { consumers } = (await systems[0]?.groups.get('bench')) ?? { consumers: [] }
    const sharing = consumers.filter(({ partitions }) => partitions.length === 8 / systems.length)
    if (sharing.length === systems.length) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
