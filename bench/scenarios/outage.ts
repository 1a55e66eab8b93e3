import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvent, EventSystem, EventType } from '@tradpal/event-system'
import { startRedis } from '../../test/support/start-redis.ts'
import { marketData } from '../events.ts'
import { DURABLE } from '../logs.ts'
import { type Comparison, quantile, rate } from '../measure.ts'

const PUBLISHES = 5_000
const SPOOLED = 100_000
const PUBLISHERS = 1_000
/** While the spool is drained, so many events of other keys are published in a second. */
const LIVE_PER_SECOND = 2_000

/** Publishing while a Redis of its own is down, and bringing what was spooled into it when it is back. */
export async function outage(): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-bench-outage-'))
  const server = await startRedis(DURABLE)
  const system = new EventSystem({ redisUrl: server.url, spoolPath: join(folder, 'spool.db'), timeoutMs: 1_000 })
  try {
    await system.initialize()
    await system.publishEvent(marketData(0))
    await server.kill()
    await untilCircuitOpens(system)
    const p99 = await publishWhileDown(system)
    const spooled = await rate(SPOOLED, () => publishConcurrently(system))
    await server.restart()
    const { drained, live } = await drain(system)
    return comparisons({ p99, spooled, drained, live })
  } finally {
    await system.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function comparisons(figures: Record<'p99' | 'spooled' | 'drained' | 'live', number>): Comparison[] {
  const prefix = 'library, redis'
  return [
    { what: `${prefix}: publish while Redis is down, p99`, unit: 'ms', ours: figures.p99, floor: 5 },
    { what: `${prefix}: spool, 1,000 concurrent publishers`, unit: 'events/s', ours: figures.spooled },
    { what: `${prefix}: drain 100,000 spooled events`, unit: 'events/s', ours: figures.drained, floor: 50_000 },
    { what: `${prefix}: publish other keys during the drain, p99`, unit: 'ms', ours: figures.live }
  ]
}

async function untilCircuitOpens(system: EventSystem): Promise<void> {
  while ((await system.publisher.state()).isLogTaking) await system.publish(marketData(1))
}

async function publishWhileDown(system: EventSystem): Promise<number> {
  const tookMs = new Float64Array(PUBLISHES)
  for (let i = 0; i < PUBLISHES; i++) {
    const started = performance.now()
    await system.publish(marketData(i))
    tookMs[i] = performance.now() - started
  }
  return quantile(tookMs, 0.99)
}

async function publishConcurrently(system: EventSystem): Promise<void> {
  let next = 0
  const publish = async () => {
    while (next < SPOOLED) await system.publish(marketData(next++))
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publish))
}

/** From the first event that is brought into the log to the last, while others are published. */
async function drain(system: EventSystem): Promise<{ drained: number; live: number }> {
  const spool = async () => (await system.publisher.state()).spool ?? { drained: 0, events: 0 }
  while ((await spool()).drained === 0) await pause(1)
  const before = await spool()
  const started = performance.now()
  const tookMs: number[] = []
  const timer = setInterval(() => void publishLive(system, tookMs), 10)
  while ((await spool()).events > 0) await pause(5)
  const spentMs = performance.now() - started
  clearInterval(timer)
  const { drained } = await spool()
  return { drained: ((drained - before.drained) / spentMs) * 1_000, live: quantile(Float64Array.from(tookMs), 0.99) }
}

async function publishLive(system: EventSystem, tookMs: number[]): Promise<void> {
  const publishing = Array.from({ length: LIVE_PER_SECOND / 100 }, async (_, i) => {
    const started = performance.now()
    const event = createEvent(EventType.MARKET_DATA_UPDATE, { symbol: `LIVE-${i}`, price: 1 }, { source: 'bench' })
    const { status } = await system.publish(event)
    if (status !== 'published') throw new Error('An event of another key went into the spool.')
    tookMs.push(performance.now() - started)
  })
  await Promise.all(publishing)
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
