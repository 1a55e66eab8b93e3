import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  canonicalTypeOf,
  createEvent,
  EventSubscriber,
  type EventSystem,
  type JsonObject,
  parseJson,
  stringifyJson
} from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { get, LOGS, post, serviceOver } from '../http/support/test-service.ts'

/** What a service of the platform sends. */
interface Shape {
  readonly name: string
  readonly event_type: string
  readonly data: JsonObject
  /** What a typed handler gets, where that is other than the data. */
  readonly newest?: JsonObject
  /** Where a typed handler cannot get it: the pointer of its dead letter. */
  readonly fault?: string
}

const { accepted, refused } = parseJson(readFileSync(join(import.meta.dirname, 'shapes.json'), 'utf8')) as unknown as {
  readonly accepted: readonly Shape[]
  readonly refused: readonly Shape[]
}
const all = [...accepted, ...refused]

/** Runs a command of the prototype. Its answer has integers of any size. */
async function prototype<Answer>(...args: readonly string[]): Promise<Answer> {
  const script = join(import.meta.dirname, 'prototype.py')
  const { stdout } = await promisify(execFile)('python3', [script, ...args], { maxBuffer: 2 ** 24 })
  return parseJson(stdout) as Answer
}

interface ReadEvent {
  readonly event_type: string
  readonly event_id: string
  readonly source: string
  readonly data: JsonObject
}

/** Members of groups of the library over the log of a service, and what they get, by event id. */
class Groups {
  readonly #system: EventSystem
  readonly typed = new Map<string, JsonObject>()
  readonly any = new Map<string, JsonObject>()
  readonly everything = new Map<string, JsonObject>()

  constructor(system: EventSystem) {
    this.#system = system
  }

  async start(): Promise<void> {
    const types = [...new Set(accepted.map(({ event_type }) => event_type))]
    for (const group of ['typed', 'any', 'everything'] as const) {
      const subscriber = new EventSubscriber({ storage: this.#system.storage })
      onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
      const keep = ({ eventId, data }: { eventId: string; data: JsonObject }) => void this[group].set(eventId, data)
      if (group === 'everything') subscriber.registerHandler('*', keep)
      else for (const type of types) subscriber.registerHandler(type, keep, group === 'any' ? { accepts: 'any' } : {})
      await subscriber.startConsuming({ group, from: 'start' })
    }
  }

  /** Resolves when every member has handled so many entries, or given them up. */
  async settled(count: number): Promise<void> {
    await waitFor(async () => {
      const dead = await this.dead()
      const groups = ['typed', 'any', 'everything'] as const
      return groups.every((group) => this[group].size + Object.keys(dead[group] ?? {}).length === count)
    })
  }

  /** The dead letters: of a group, the pointer of an invalid event, or else the kind, by event id. */
  async dead(): Promise<Record<string, Record<string, string>>> {
    const dead: Record<string, Record<string, string>> = {}
    for (const { group, kind, payload, lastError } of await this.#system.deadLetters.list({ limit: 1_000 })) {
      const [, eventId = ''] = /"event_id": ?"([^"]*)"/.exec(payload ?? '') ?? []
      dead[group] = { ...dead[group], [eventId]: lastError.pointer ?? kind }
    }
    return dead
  }
}

/** What a group that pulls over HTTP gets, by event id. */
async function pulled(url: string): Promise<Record<string, JsonObject>> {
  const { text } = await post(`${url}/groups/pulled/pull`, { max: 1000, from: 'start' })
  const { deliveries } = parseJson(text) as unknown as {
    deliveries: { delivery_id: string; event: { event_id: string; event_type: string; data: JsonObject } }[]
  }
  await post(`${url}/groups/pulled/ack`, { delivery_ids: deliveries.map(({ delivery_id }) => delivery_id) })
  return Object.fromEntries(deliveries.map(({ event }) => [event.event_id, event.data]))
}

/** By the event ids under which the shapes were sent, what each is as it is stored, and what a typed handler makes of it. */
function expected(shapes: readonly Shape[], ids: Readonly<Record<string, string>>) {
  const idOf = ({ name }: Shape) => ids[name] as string
  const sound = shapes.filter(({ fault }) => fault === undefined)
  const faulty = shapes.filter(({ fault }) => fault !== undefined)
  return {
    stored: Object.fromEntries(shapes.map((shape) => [idOf(shape), shape.data])),
    handled: Object.fromEntries(sound.map((shape) => [idOf(shape), shape.newest ?? shape.data])),
    dead: Object.fromEntries(faulty.map((shape) => [idOf(shape), shape.fault]))
  }
}

/** Each shape is stored as it was sent, and is a dead letter for typed handlers alone, where the table says so. */
async function expectOutcomes(
  { url, groups }: { url: string; groups: Groups },
  shapes: readonly Shape[],
  ids: Readonly<Record<string, string>>,
  poison: JsonObject = {}
): Promise<void> {
  await groups.settled(shapes.length + Object.keys(poison).length)
  const { stored, handled, dead } = expected(shapes, ids)
  expect(Object.fromEntries(groups.typed)).toEqual(handled)
  expect(Object.fromEntries(groups.any)).toEqual(stored)
  expect(Object.fromEntries(groups.everything)).toEqual(stored)
  expect(await pulled(url)).toEqual(stored)
  const { typed, ...others } = await groups.dead()
  expect(typed).toEqual({ ...dead, ...poison })
  for (const group of Object.values(others)) expect(group).toEqual(poison)
}

/** What the prototype reads are the events that it sent, under the names that it knows. */
function expectRead(events: readonly ReadEvent[], shapes: readonly Shape[], ids: Readonly<Record<string, string>>) {
  const sent = shapes.map(({ name, event_type, data }) => ({
    event_type,
    event_id: ids[name],
    source: 'prototype',
    data,
    metadata: {}
  }))
  expect(events).toEqual(sent)
}

test('the table has each event type, and a shape for each way in', () => {
  const types = new Set(accepted.map(({ event_type }) => canonicalTypeOf(event_type)))
  expect(types.size).toBe(19)
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

describe.each(LOGS)("the prototype's HTTP client, over %s", (kind) => {
  test('publishes every shape, reads it as it sent it, and is refused what would trade wrongly', async () => {
    const { url, system } = await serviceOver(kind)
    const groups = new Groups(system)
    await groups.start()

    const published = await prototype<Record<'accepted' | 'refused', Record<string, string>>>('publish', url)
    const refusals = refused.map(({ name, fault }) => [name, [400, 'invalid_data', fault]])
    expect(published.refused).toEqual(Object.fromEntries([...refusals, ['NaN', [400, 'invalid_json', null]]]))
    await expectOutcomes({ url, groups }, accepted, published.accepted)

    const found = await prototype<{ events: ReadEvent[]; by_type: JsonObject; replayed: JsonObject[] }>('query', url)
    expectRead(found.events, accepted, published.accepted)
    const counts = Object.entries(Object.groupBy(accepted, ({ event_type }) => event_type))
    expect(found.by_type).toEqual(Object.fromEntries(counts.map(([type, shapes = []]) => [type, shapes.length])))
    const replayed = { status: 'replay_complete', events_replayed: 1 }
    expect(found.replayed).toEqual([replayed, replayed, replayed, replayed])
  })

  test('is answered under the name that it sent, by every way out, and by either name in a filter', async () => {
    const { url } = await serviceOver(kind)
    const event = { event_type: 'backtest_complete', data: { symbol: 'X' } }
    const { message_id: id } = (await post(`${url}/events`, event)).body
    const stream = await fetch(`${url}/events/stream?after=start&event_type=backtest_completed`)
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let frames = ''
    while (!frames.includes('"symbol"')) frames += (await reader?.read())?.value ?? ''
    await reader?.cancel()
    expect(frames).toContain('\nevent: backtest_complete\n')

    for (const name of ['backtest_complete', 'backtest_completed']) {
      const types = { from: 'start', event_types: [name] }
      const answers = {
        query: (await get(`${url}/events?event_type=${name}`)).text,
        replay: (await post(`${url}/events/replay?event_type=${name}`, undefined, { accept: 'application/x-ndjson' }))
          .text,
        pulled: (await post(`${url}/groups/of_${name}/pull`, types)).text
      }
      for (const [way, text] of Object.entries(answers)) expect(text, way).toContain('"event_type":"backtest_complete"')
    }
    expect((await get(`${url}/events/${id}`)).body.event_type).toBe('backtest_complete')
    expect((await get(`${url}/events/${id}/lineage`)).body.event.event_type).toBe('backtest_complete')
    expect((await get(`${url}/metrics`)).text).toMatch(/events_published_total\{event_type="backtest_completed"\} 1\n/)
    expect((await get(`${url}/groups/of_backtest_complete`)).body.pulled.event_types).toEqual(['backtest_completed'])
  })
})

describe('the level at which a service checks', () => {
  const open = { event_type: 'trading_signal', data: { symbol: 'X' } }
  const wrong = { event_type: 'trading_signal', data: { symbol: 'X', signal: 'MAYBE' } }

  test.each<[level: string, open: number, wrong: number]>([
    ['', 200, 400],
    ['platform', 200, 400],
    ['strict', 400, 400],
    ['off', 200, 200]
  ])('EVENT_VALIDATION=%s holds for every way in', async (level, ofOpen, ofWrong) => {
    const { url } = await serviceOver('sqlite', { EVENT_VALIDATION: level })
    const asked = [open, wrong].map(async (event) => {
      const answers = [
        await post(`${url}/events`, event),
        await post(`${url}/events/batch`, [event]),
        await post(`${url}/events/batch`, stringifyJson(event), { 'content-type': 'application/x-ndjson' }),
        await post(`${url}/events/trading-signal`, { signal: event.data })
      ]
      return answers.map(({ status }) => status)
    })
    expect(await Promise.all(asked)).toEqual([new Array(4).fill(ofOpen), new Array(4).fill(ofWrong)])
  })
})

describe('an older service on the stream in Redis', () => {
  test('writes entries that every group handles', async () => {
    const { url, system, port, stream } = await overRedis()
    const groups = new Groups(system)
    await groups.start()
    const written = await prototype<Record<string, string>>('write', port, stream)
    const [, nan = ''] =
      /"event_id": "([^"]*)"/.exec(
        (await system.storage.log.read({ direction: 'backward', limit: 1 })).entries[0]?.payload ?? ''
      ) ?? []
    await expectOutcomes({ url, groups }, all, written, { [nan]: 'poison' })
  })

  test.each(['null', '1700000000123456789'])('has %s as the ids of the lineage, which is no fault', async (id) => {
    const { url, system } = await overRedis()
    const eventId = randomUUID()
    const wire = `{"event_type":"risk_alert","event_id":"${eventId}","timestamp":"2026-11-23T08:49:10","metadata":{"correlation_id":${id},"causation_id":${id}}}`
    await system.storage.log.append([{ eventId, eventType: 'risk_alert', payload: wire }])
    expect((await post(`${url}/events`, wire.replace(eventId, randomUUID()))).status).toBe(200)
    const metadata = `"metadata":{"correlation_id":${id},"causation_id":${id}}`
    expect((await get(`${url}/events`)).text.split(metadata)).toHaveLength(3)

    const handled: string[] = []
    system.registerHandler('risk_alert', (event, context) => {
      handled.push(event.eventId)
      context.publish(createEvent('system_health', {}))
    })
    await system.startConsuming({ group: 'typed', from: 'start' })
    const effectsNow = () => system.getEvents({ eventType: 'system_health' })
    await waitFor(async () => (await effectsNow()).length === 2)
    expect(handled).toContain(eventId)
    const effects = await effectsNow()
    expect(effects[0]?.metadata).toEqual({ correlation_id: eventId, causation_id: eventId })
    expect(await system.deadLetters.count()).toBe(0)
  })

  test('reads the entries of the library and of the service', async () => {
    const { url, system, port, stream } = await overRedis()
    const { accepted: published } = await prototype<{ accepted: Record<string, string> }>('publish', url)
    expectRead(await prototype('read', port, stream), accepted, published)
    const own = createEvent('backtest_complete', { total_return: 0.1 }, { source: 'library' })
    await system.publishEvent(own)
    const { events } = await prototype<{ events: ReadEvent[] }>('query', url)
    expect(events.at(-1)).toMatchObject({ event_type: 'backtest_complete', event_id: own.eventId })
  })
})

async function overRedis() {
  const { url, system } = await serviceOver('redis')
  const [, port = '', stream = ''] = /:(\d+) (\S+)$/.exec(system.storage.location) ?? []
  return { url, system, port, stream }
}
