import type { Event, EventSystem } from '@tradpal/event-system'
import { marketData } from '../events.ts'
import { type BenchLog, type RawDriver, rawEntryOf } from '../logs.ts'
import { type Comparison, quantile } from '../measure.ts'

const RATE = 5_000
/** The first second is not counted: the code is being compiled. */
const WARM_UP_SECONDS = 1
const SECONDS = 5

/** How events get from here to a receiver. */
interface Way {
  /** Calls `onArrival` with the id of each event that arrives. */
  receive(onArrival: (eventId: string) => void): Promise<void>
  send(event: Event): Promise<unknown>
}

/** From the call of publishEvent to the handler, at a steady 5,000 events a second. */
export async function delivery(log: BenchLog): Promise<Comparison[]> {
  await using system = await log.system()
  const ours = await latencies(throughLibrary(system))
  await system.close()
  const raw = await log.raw()
  const driver = throughDriver(raw)
  const theirs = driver && (await latencies(driver))
  await raw.close()
  return [
    { share: 0.5, name: 'p50' },
    { share: 0.99, name: 'p99', floor: 10 },
    { share: 0.999, name: 'p99.9' }
  ].map(
    ({ share, name, floor }): Comparison => ({
      what: `library, ${log.kind}: publish to handler at 5,000/s, ${name}`,
      unit: 'ms',
      ours: quantile(ours, share),
      ...(theirs === undefined
        ? {}
        : { peer: `${log.remembering}; XREADGROUP, JSON.parse, XACK`, theirs: quantile(theirs, share) }),
      ...(floor === undefined ? {} : { floor })
    })
  )
}

function throughLibrary(system: EventSystem): Way {
  return {
    async receive(onArrival) {
      system.registerHandler('*', ({ eventId }) => onArrival(eventId))
      await system.startConsuming({ group: 'bench' })
    },
    send: (event) => system.publishEvent(event)
  }
}

function throughDriver(raw: RawDriver): Way | undefined {
  const follow = raw.follow?.bind(raw)
  if (follow === undefined) return undefined
  return {
    receive: (onArrival) => follow((payload) => onArrival(JSON.parse(payload).event_id)),
    send: (event) => raw.appendOne(rawEntryOf(event))
  }
}

async function latencies(way: Way): Promise<Float64Array> {
  const total = RATE * SECONDS
  const sentAt = new Map<string, number>()
  const measured = new Float64Array(total)
  let arrived = 0
  const all = Promise.withResolvers<void>()
  await way.receive((eventId) => {
    measured[arrived++] = performance.now() - (sentAt.get(eventId) ?? Number.NaN)
    sentAt.delete(eventId)
    if (arrived === total) all.resolve()
  })
  const started = performance.now()
  const sending: Promise<unknown>[] = []
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * RATE))
    for (; sent < due; sent++) {
      const event = marketData(sent)
      sentAt.set(event.eventId, performance.now())
      sending.push(way.send(event))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(sending)
  await all.promise
  return measured.subarray(RATE * WARM_UP_SECONDS)
}
