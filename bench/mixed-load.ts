import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEvent, EventType, toWire } from '@tradpal/event-system'
import { marketData } from './events.ts'
import { followStream } from './stream-reader.ts'

const BATCH = 100
const BATCHES_PER_SECOND = 19
export const EVENTS_PER_SECOND = BATCH * BATCHES_PER_SECOND
const QUERIES_PER_SECOND = 5
const CONSUMERS = ['desk-1', 'desk-2']
/** One event of this many is never acknowledged: it is redelivered until it is a dead letter. */
const STUCK = 400
/** After this many pulls a consumer forgets a whole answer, as if it had crashed; the group redelivers it. */
const PULLS_PER_CRASH = 50
const PULL = { max: 500, wait_ms: 1_000, lease_ms: 5_000, max_attempts: 2, from: 'start' }

/** Work that falls due while as much is under way is left out: the machine is too busy for it. */
const MOST_UNDER_WAY = 100
const SLOW_BYTES_PER_SECOND = 131_072

/** What a load has done so far. */
export interface MixedCounts {
  published: number
  /** Deliveries that were pulled, redeliveries included. */
  pulled: number
  acknowledged: number
  queries: number
  /** Requests that were left out, refused with 503 or not answered, since the service or the machine was too busy. */
  missed: number
  /** Bytes that the readers of streams took. */
  streamed: number
  /** How often the service cut off a reader. */
  cutOff: number
}

interface Delivery {
  readonly delivery_id: string
  readonly event: { readonly metadata?: { readonly stuck?: boolean } }
}

/** The work of a whole desk at once, on one service: publishers, consumers, readers of the live stream, and queries. */
export class MixedLoad {
  readonly counts: MixedCounts = {
    published: 0,
    pulled: 0,
    acknowledged: 0,
    queries: 0,
    missed: 0,
    streamed: 0,
    cutOff: 0
  }
  readonly #url: string
  #made = 0

  constructor(url: string) {
    this.#url = url
  }

  /**
   * Batches of events, half of them with random ids of their own; two consumers that pull and lose some acknowledgements; three
   * readers of the live stream, one of them slow; queries. Runs until the signal is aborted. Rejects when the service
   * answers what it should not.
   */
  async run(signal: AbortSignal): Promise<void> {
    const reader = {
      onBytes: (bytes: number) => {
        this.counts.streamed += bytes
      },
      onCutOff: () => {
        this.counts.cutOff++
      }
    }
    const stream = `${this.#url}/events/stream`
    await Promise.all([
      this.#atRate(BATCHES_PER_SECOND, signal, () => this.#publish()),
      this.#atRate(QUERIES_PER_SECOND, signal, () => this.#query()),
      ...CONSUMERS.map((consumer) => this.#consume(consumer, signal)),
      followStream(stream, signal, reader),
      followStream(`${stream}?event_type=trading_signal`, signal, reader),
      followStream(stream, signal, { ...reader, bytesPerSecond: SLOW_BYTES_PER_SECOND })
    ])
  }

  async #publish(): Promise<void> {
    const events = Array.from({ length: BATCH }, () => wireEvent(this.#made++))
    if ((await this.#post('events/batch', events)) !== undefined) this.counts.published += BATCH
  }

  async #query(): Promise<void> {
    const minuteAgo = new Date(Date.now() - 60_000).toISOString()
    const paths = [
      'events?limit=1000',
      'events?event_type=trading_signal&limit=100',
      `events?start_time=${minuteAgo}&limit=500`,
      'events/stats',
      'groups'
    ]
    await this.#ask(paths[this.counts.queries++ % paths.length] as string)
  }

  async #consume(consumer: string, signal: AbortSignal): Promise<void> {
    for (let pulls = 1; !signal.aborted; pulls++) {
      const pulled = await this.#post('groups/desk/pull', { ...PULL, consumer })
      const deliveries = (pulled?.deliveries ?? []) as Delivery[]
      this.counts.pulled += deliveries.length
      if (pulls % PULLS_PER_CRASH === 0) continue
      const done = deliveries.filter(({ event }) => event.metadata?.stuck !== true)
      if (done.length === 0) continue
      const settled = await this.#post('groups/desk/ack', { delivery_ids: done.map((one) => one.delivery_id) })
      this.counts.acknowledged += Number(settled?.acknowledged ?? 0)
    }
  }

  /** Begins `perSecond` pieces of work each second, however long each takes. */
  async #atRate(perSecond: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
    const started = performance.now()
    const underWay = new Set<Promise<unknown>>()
    const failed = Promise.withResolvers<never>()
    for (let begun = 0; !signal.aborted; ) {
      const due = Math.floor(((performance.now() - started) / 1_000) * perSecond)
      for (; begun < due; begun++) {
        if (underWay.size >= MOST_UNDER_WAY) {
          this.counts.missed++
          continue
        }
        const one = work().catch(failed.reject)
        underWay.add(one)
        one.finally(() => underWay.delete(one))
      }
      await Promise.race([sleep(10), failed.promise])
    }
    await Promise.all(underWay)
  }

  #post(path: string, body: object): Promise<Record<string, unknown> | undefined> {
    const headers = { 'Content-Type': 'application/json' }
    return this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  /** Undefined where it was too busy, or the leases of what was to be acknowledged have all ended. */
  async #ask(path: string, request: RequestInit = {}): Promise<Record<string, unknown> | undefined> {
    const response = await fetch(`${this.#url}/${path}`, request).catch(() => undefined)
    const text = await response?.text().catch(() => undefined)
    if (response === undefined || text === undefined || response.status === 503) {
      this.counts.missed++
      await sleep(100)
      return undefined
    }
    if (response.status === 409) return undefined
    if (!response.ok) throw new Error(`/${path} answered ${response.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text)
  }
}

function wireEvent(i: number): object {
  const event = i % 10 === 0 ? tradingSignal(i) : marketData(i)
  const { event_id, ...rest } = toWire(event)
  return {
    ...rest,
    ...(i % STUCK === 0 ? { metadata: { stuck: true } } : {}),
    ...(i % 2 === 0 ? { event_id: randomUUID() } : {})
  }
}

function tradingSignal(i: number) {
  const data = { symbol: 'AAPL', signal: 'BUY', confidence: (i % 100) / 100 } as const
  return createEvent(EventType.TRADING_SIGNAL, data, { source: 'bench' })
}
