import { createEvent, type Event, type PublishOptions } from '@tradpal/event-system'
import { DiaryWriter } from '../support/diary.ts'
import { randomFrom } from '../support/random.ts'
import { pause, tellThatItHasBegun } from '../support/run-process.ts'
import type { Answer, Entry } from './diary.ts'
import { LibraryWay } from './library-way.ts'
import { memoryOf } from './memory.ts'
import { ServiceWay } from './service-way.ts'
import { EVENTS_PER_SECOND, KEYS, type PublisherSettings, TYPE } from './settings.ts'

/**
 * Publishes at its pace until its time is up, and writes down what it offers and what it is told. What was refused, or is
 * not known, it offers again, with the same event id and before the next of the key; now and then it gives up what was
 * refused. When it was killed, it goes on where it was.
 */
const settings: PublisherSettings = JSON.parse(process.argv[2] ?? '')
const { name, diary, until, seed } = settings
const writer = new DiaryWriter<Entry>(diary)
const random = randomFrom(seed)
const memory = await memoryOf(name, diary)
const way = settings.way.kind === 'library' ? await LibraryWay.open(settings.way) : new ServiceWay(settings.way.url)
tellThatItHasBegun()

/** An event that is to be published. */
interface Item {
  readonly key: string
  readonly number: number
  readonly event: Event
  wasUnknown: boolean
}

const LANES = KEYS.length / 2
const EVENTS_PER_STEP = 3

/** Two keys, published by one who waits for the answers before it goes on. */
async function lane(keys: readonly [string, string], place: number): Promise<void> {
  const numbers = new Map(keys.map((key) => [key, memory.lastNumbers.get(key) ?? 0]))
  const next = (key: string): Item => {
    const number = (numbers.get(key) ?? 0) + 1
    numbers.set(key, number)
    return itemOf(key, number)
  }
  const [one, other] = keys
  for (const key of keys) {
    const open = memory.open.get(key) ?? []
    await untilSettled(open.map(({ number, eventId }) => ({ ...itemOf(key, number, eventId), wasUnknown: true })))
  }
  const paceMs = (1_000 * LANES * EVENTS_PER_STEP) / EVENTS_PER_SECOND
  await pause((paceMs * place) / LANES)
  while (Date.now() < until) {
    const started = performance.now()
    const options = someOptions()
    const dice = random()
    const offers =
      dice < 0.3
        ? [[next(one), next(other), next(one), next(other)]]
        : dice < 0.6 && way.keepsOrder
          ? [[next(one)], [next(one)], [next(other)]]
          : [[next(one)], [next(other)]]
    const left = await Promise.all(offers.map((items) => offer(items, options)))
    await untilSettled(left.flat())
    await pause(paceMs - (performance.now() - started))
  }
}

function itemOf(key: string, number: number, eventId?: string): Item {
  const event = createEvent(TYPE, { symbol: key, price: 1, number }, { source: name })
  return { key, number, event: eventId === undefined ? event : { ...event, eventId }, wasUnknown: false }
}

/** Some do without the spool, and some have little time. */
function someOptions(): PublishOptions {
  const spool = random() < 0.15 ? 'never' : 'allowed'
  return random() < 0.2 ? { spool, timeoutMs: 200 } : { spool }
}

/** Resolves to those that were not promised. */
async function offer(items: readonly Item[], options: PublishOptions): Promise<Item[]> {
  write(items, () => ({ what: 'offered' }))
  const events = items.map(({ event }) => event)
  const answers = await way.publish(events, options)
  write(items, (i) => answers[i] as Answer)
  for (const [i, item] of items.entries()) if (answers[i]?.what === 'unknown') item.wasUnknown = true
  return items.filter((_, i) => answers[i]?.what === 'refused' || answers[i]?.what === 'unknown')
}

/** One by one, in order. */
async function untilSettled(items: readonly Item[]): Promise<void> {
  for (const item of items) {
    for (;;) {
      if (!item.wasUnknown && random() < 0.05) {
        write([item], () => ({ what: 'given up' }))
        break
      }
      const left = await offer([item], { spool: 'allowed' })
      if (left.length === 0) break
      await pause(50)
    }
  }
}

function write(items: readonly Item[], answerOf: (index: number) => Answer): void {
  const at = Date.now()
  const lines = items.map(({ key, number, event }, i) => {
    return { ...answerOf(i), publisher: name, key, number, eventId: event.eventId, at }
  })
  writer.write(...lines)
}

const pairs = Array.from({ length: LANES }, (_, i) => [KEYS[2 * i], KEYS[2 * i + 1]] as [string, string])
await Promise.all(pairs.map(lane))
await way.close()
