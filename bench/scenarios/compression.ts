import { createEvent, type Event, EventSystem, EventType } from '@tradpal/event-system'
import type { BenchLog } from '../logs.ts'
import { type Comparison, rate } from '../measure.ts'

/** Events of these numbers of price bars: some 300 bytes, 2 kB and 20 kB of JSON. */
const SIZES = [
  { bars: 1, batches: 100 },
  { bars: 15, batches: 60 },
  { bars: 160, batches: 15 }
]
const BATCH = 100
const WARM_UPS = 5
const PAGE = 500
const IN_THE_WAY = 'zstd takes tens of microseconds for an event, to compress and to decompress.'

interface Figures {
  readonly bytes: number
  readonly published: number
  readonly replayed: number
}

/** Bytes stored for an event, publishing in batches and replaying, with compression beside without. */
export async function compressing(log: BenchLog): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  for (const { bars, batches } of SIZES) {
    const theirs = await figuresOf(log, 'none', { bars, batches })
    const ours = await figuresOf(log, 'zstd', { bars, batches })
    const size = bars === 1 ? '1 price bar' : `${bars} price bars`
    const compared = (what: string, unit: Comparison['unit'], figure: keyof Figures): Comparison => ({
      what: `library, ${log.kind}: ${what}, events of ${size}, compressed`,
      unit,
      ours: ours[figure],
      peer: 'without compression',
      theirs: theirs[figure],
      inTheWay: IN_THE_WAY
    })
    comparisons.push(
      compared('stored for an event', 'bytes', 'bytes'),
      compared(`publish batches of ${BATCH}`, 'events/s', 'published'),
      compared('replay', 'events/s', 'replayed')
    )
  }
  return comparisons
}

async function figuresOf(
  log: BenchLog,
  compression: 'none' | 'zstd',
  { bars, batches }: { readonly bars: number; readonly batches: number }
): Promise<Figures> {
  const plain = await log.system()
  const system = new EventSystem({ environment: {}, storage: plain.storage, compression })
  await system.initialize()
  const publish = async (count: number, first: number) => {
    for (let i = 0; i < count; i++) await system.publishBatch(priceHistories(BATCH, bars, (first + i) * BATCH))
  }
  await publish(WARM_UPS, 0)
  const published = await rate(batches * BATCH, () => publish(batches, WARM_UPS))
  const count = (WARM_UPS + batches) * BATCH
  await system.replayEvents({}, () => {})
  const replayed = await rate(count, () => system.replayEvents({}, () => {}))
  const bytes = (await storedBytes(system)) / count
  await system.close()
  await plain.close()
  return { bytes, published, replayed }
}

async function storedBytes({ storage }: EventSystem): Promise<number> {
  let bytes = 0
  for (let after: string | undefined; ; ) {
    const page = (await storage.log.read({ limit: PAGE, from: after === undefined ? 'start' : { after } })).entries
    for (const { payload } of page) bytes += Buffer.byteLength(payload ?? '')
    after = page.at(-1)?.messageId
    if (page.length < PAGE) return bytes
  }
}

/** Market data with prices that move by chance: the same events for the same numbers. */
function priceHistories(count: number, bars: number, first: number): Event[] {
  return Array.from({ length: count }, (_, i) => {
    const random = randomFrom(first + i + 1)
    const history = Array.from({ length: bars }, (_, bar) => {
      const open = 45_000 + Math.round(random() * 100_000) / 100
      const [high, low, close] = [random(), -random(), random() - 0.5].map(
        (by) => Math.round((open + by * 50) * 100) / 100
      )
      return { at: 1_796_000_000 + bar * 60, open, high, low, close, volume: Math.round(random() * 1e6) / 1e3 }
    })
    return createEvent(EventType.MARKET_DATA_UPDATE, { symbol: 'BTC/USDT', price: 45_000, bars: history } as never, {
      source: 'bench'
    })
  })
}

/** Numbers from 0 to 1 by a linear congruential generator. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
