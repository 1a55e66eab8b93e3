import type { Event, EventSystem } from '@tradpal/event-system'
import { addByBullMq } from './bullmq.ts'
import { byCallers, type Contender, type Contenders } from './contenders.ts'
import { eventsWith, type Ids } from './events.ts'
import { appendByIoredis, rememberByIoredis } from './ioredis.ts'
import { type BenchLog, rawEntryOf } from './logs.ts'
import { publishToJetStream } from './nats.ts'

export const PUBLISHERS = 1_000
export const CONCURRENT = { warmUps: 3, turns: 6, each: 20_000 }
export const BATCH = 100
export const BATCHES = { warmUps: 4, turns: 8, each: 10_000 }

const IDS: readonly Ids[] = ['own', 'random']

/** Those who publish by the library, and those who do so by others. All of them remember event ids, but for one, whose name says so. */
export const publishers: Contenders = {
  ...named('library', async (log, ids) => concurrently(await log.system(), ids)),
  ...named('driver', driverConcurrently),
  ...named('library, batches', (log, ids) => batchesByLibrary(log, ids, 1)),
  ...named('driver, batches', (log, ids) => batchesByDriver(log, ids, 1)),
  ...named('library, batches by 10', (log, ids) => batchesByLibrary(log, ids, 10)),
  ...named('driver, batches by 10', (log, ids) => batchesByDriver(log, ids, 10)),
  'ioredis, random ids': async ({ url }) => rememberByIoredis(mustBeThere(url), concurrent('random')),
  'ioredis without memory, random ids': async ({ url }) => appendByIoredis(mustBeThere(url), concurrent('random')),
  'BullMQ, random ids': async ({ url }) => addByBullMq(mustBeThere(url), concurrent('random')),
  'JetStream, random ids': () => publishToJetStream(concurrent('random'))
}

/** One for each maker of ids. */
function named(name: string, contender: (log: BenchLog, ids: Ids) => Promise<Contender>): Contenders {
  return Object.fromEntries(IDS.map((ids) => [`${name}, ${ids} ids`, (log: BenchLog) => contender(log, ids)]))
}

function concurrent(ids: Ids) {
  return { callers: PUBLISHERS, made: () => eventsWith(ids, CONCURRENT.each) }
}

/** Publishers that each publish, wait, and publish again, over this system. */
export function concurrently(system: EventSystem, ids: Ids = 'own'): Contender {
  return byCallers({
    ...concurrent(ids),
    act: (event) => system.publishEvent(event),
    close: () => system.close()
  })
}

/** A driver with no server has no use for callers that wait: it appends what as many callers bring in one transaction. */
async function driverConcurrently(log: BenchLog, ids: Ids): Promise<Contender> {
  const raw = await log.raw()
  const close = () => raw.close()
  if (log.url !== undefined)
    return byCallers({ ...concurrent(ids), act: (event) => raw.appendOne(rawEntryOf(event)), close })
  return byCallers({
    callers: 1,
    made: () => parts(eventsWith(ids, CONCURRENT.each), PUBLISHERS),
    act: (some) => raw.appendMany(some.map(rawEntryOf)),
    close
  })
}

/** Publishers that each publish a batch, wait, and publish another. */
async function batchesByLibrary(log: BenchLog, ids: Ids, callers: number): Promise<Contender> {
  const system = await log.system()
  return byCallers({
    callers,
    made: () => parts(eventsWith(ids, BATCHES.each), BATCH),
    act: (some) => system.publishBatch(some),
    close: () => system.close()
  })
}

async function batchesByDriver(log: BenchLog, ids: Ids, callers: number): Promise<Contender> {
  const raw = await log.raw()
  return byCallers({
    callers,
    made: () => parts(eventsWith(ids, BATCHES.each), BATCH),
    act: (some) => raw.appendMany(some.map(rawEntryOf)),
    close: () => raw.close()
  })
}

function parts(events: readonly Event[], size: number): Event[][] {
  return Array.from({ length: Math.ceil(events.length / size) }, (_, i) => events.slice(i * size, (i + 1) * size))
}

function mustBeThere(url: string | undefined): string {
  if (url === undefined) throw new Error('This contender needs the server of the log.')
  return url
}
