import { createEvent, type Event, EventType, encodeEvent } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { Attachments } from '../../src/codec/index.ts'
import { EventSubscriber } from '../../src/consume/index.ts'
import { type DeadLetter, DeadLetters, type NewDeadLetter } from '../../src/dead-letters/index.ts'
import type { Delivery, ListPage, Storage, UnitResult } from '../../src/log/index.ts'
import { DeadLetterOffice } from '../../src/operate/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, signal, signals, withFaults } from '../support/events.ts'

const ADA = { by: 'ada' }
const failed = { message: 'the broker is down', stack: 'Error: the broker is down', at: 1 }

/** Has a group give up on what is next in the log. */
async function bury(storage: Storage, count: number, parts: Partial<NewDeadLetter> = {}, name = 'brokers') {
  const group = storage.queue(name)
  await group.create('start')
  return giveUp(storage, await group.read('broker-1', { limit: count, waitMs: 0 }), parts, name)
}

async function giveUp(
  storage: Storage,
  deliveries: readonly Delivery[],
  parts: Partial<NewDeadLetter> = {},
  group = 'brokers'
): Promise<DeadLetter[]> {
  const letters = deliveries.map(({ messageId, payload }): NewDeadLetter => {
    return {
      messageId,
      group,
      consumer: 'broker-1',
      handler: 'trade',
      eventType: 'trading_signal',
      payload,
      amended: false,
      kind: 'exhausted',
      attempts: 3,
      requeues: 0,
      firstError: failed,
      lastError: failed,
      ...parts
    }
  })
  const dead = await new DeadLetters({ storage }).prepare(letters)
  for (const [i, { messageId, attempt }] of deliveries.entries()) {
    const acknowledge = [{ group, consumer: 'broker-1', messageId, attempt }]
    const results = await storage.commit([{ acknowledge, write: dead[i]?.writes ?? [] }])
    expect(results).toMatchObject([{ kind: 'committed' }])
  }
  return dead.map(({ letter }) => letter)
}

async function buried(storage: Storage, count: number): Promise<{ office: DeadLetterOffice; letters: DeadLetter[] }> {
  await append(storage, ...signals(count))
  return { office: new DeadLetterOffice({ storage }), letters: await bury(storage, count) }
}

/** A handle on the log in which dead letters are moved in another way: what happens meanwhile, happens there. */
function withMove(
  storage: Storage,
  move: (id: string, commit: () => Promise<UnitResult[]>) => Promise<UnitResult[]>
): Storage {
  return withFaults(storage, { commit: (units) => move(units[0]?.write?.[0]?.id ?? '', () => storage.commit(units)) })
}

const idsOf = (letters: readonly { id: string }[]) => letters.map(({ id }) => id)

/** What the group gets next, and the events in it. */
async function claimed(storage: Storage, name = 'brokers'): Promise<Event[]> {
  const deliveries = await storage.queue(name).claim('heir', { minIdleMs: 3_600_000, limit: 1_000 })
  expect(deliveries.every(({ attempt }) => attempt === 1)).toBe(true)
  return deliveries.map((delivery) => {
    const { payload } = new Attachments(name, undefined).read(delivery)
    const { event_type, event_id, ...rest } = JSON.parse(payload ?? 'null')
    return { eventType: event_type, eventId: event_id, ...rest }
  })
}

describeOn(ALL_LOGS, 'dead letters', (logs) => {
  test('are listed, filtered, counted and got', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 3)
    await append(storage, signal())
    const [poison] = await bury(storage, 1, { kind: 'poison', handler: null, eventType: null })
    expect(await office.list()).toEqual([...letters, poison])
    expect(await office.list({ limit: 2, after: letters[0]?.id ?? '' })).toEqual(letters.slice(1))
    expect(await office.list({ kind: 'poison' })).toEqual([poison])
    expect(await office.count({ group: 'brokers', eventType: 'trading_signal', handler: 'trade' })).toBe(3)
    expect(await office.count()).toBe(4)
    expect(await office.get(poison?.id ?? '')).toEqual(poison)
    expect(await office.get('7')).toBeUndefined()
  })

  test('are put back to the group that failed, and to nobody else, as if never handed out', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 2)
    await bury(storage, 2, {}, 'auditors')
    await office.requeue(letters[0]?.id ?? '', ADA)
    expect(await claimed(storage)).toHaveLength(1)
    expect(await claimed(storage, 'auditors')).toEqual([])
    expect(await office.count()).toBe(3)
  })

  test('are put back with other data for that group, and with who gave it; all else of the event is as it was', async () => {
    const storage = await logs.open()
    const event = { ...signal('AAPL', 7), metadata: { correlation_id: 'c' } }
    await append(storage, event)
    const office = new DeadLetterOffice({ storage })
    const [letter] = await bury(storage, 1)
    const data = { symbol: 'MSFT', signal: 'SELL', price: 0.1 }
    await office.requeue(letter?.id ?? '', { ...ADA, data })
    expect(await claimed(storage)).toEqual([{ ...event, data, metadata: { correlation_id: 'c', amended_by: 'ada' } }])
    expect((await storage.log.read({ limit: 1 })).entries[0]?.payload).toBe(encodeEvent(event))
  })

  test('stay when who asks may not amend the event: they are told by what is thrown, which sees the event as it is', async () => {
    const storage = await logs.open()
    const event = signal('AAPL', 7)
    await append(storage, event)
    const office = new DeadLetterOffice({ storage })
    const letters = await bury(storage, 1)
    const seen: Event[] = []
    const mayAmend = (asked: Event) => {
      seen.push(asked)
      throw new Error('not you')
    }
    const requeue = (more: object) => office.requeue(letters[0]?.id ?? '', { ...ADA, mayAmend, ...more })
    await expect(requeue({ data: { symbol: 'MSFT', signal: 'SELL' } })).rejects.toThrow('not you')
    expect(seen).toEqual([event])
    expect(await office.list()).toEqual(letters)
    await requeue({})
    expect(seen).toHaveLength(1)
    expect(await claimed(storage)).toEqual([event])
  })

  test('keep the data that they were put back with when the event fails again', async () => {
    const storage = await logs.open()
    const subscriber = new EventSubscriber({ storage })
    onTestFinished(async () => void (await subscriber.close()))
    const seen: unknown[] = []
    subscriber.registerHandler(EventType.TRADING_SIGNAL, ({ data }) => {
      seen.push(data.symbol)
      throw new Error('no such symbol')
    })
    await append(storage, signal('APPL'))
    await subscriber.startConsuming({ group: 'brokers', from: 'start', maxAttempts: 1, claimAfterMs: 100 })
    const office = new DeadLetterOffice({ storage })
    const next = (than?: string) => waitFor(async () => (await office.list()).find(({ id }) => id !== than) ?? false)
    const first = await next()
    await office.requeue(first.id, { ...ADA, data: { symbol: 'AAPL', signal: 'BUY' } })
    const second = await next(first.id)
    expect(JSON.parse(second.payload ?? '').data.symbol).toBe('AAPL')
    await office.requeueAll({ group: 'brokers' }, ADA)
    await next(second.id)
    expect(seen).toEqual(['APPL', 'AAPL', 'AAPL'])
  })

  test('with data that the event cannot carry stay, and nothing is put back', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 1)
    const id = letters[0]?.id ?? ''
    const requeue = (data: unknown) => office.requeue(id, { ...ADA, data: data as never })
    await expect(requeue({ symbol: 'AAPL', signal: 'WAIT' })).rejects.toMatchObject({
      code: 'invalid_data',
      pointer: '/data/signal'
    })
    await expect(requeue({ symbol: 'AAPL', signal: 'BUY', price: Number.NaN })).rejects.toMatchObject({
      code: expect.stringMatching(/not_representable|invalid_data/)
    })
    await expect(requeue([])).rejects.toMatchObject({ code: 'invalid_data' })
    expect(await office.list()).toEqual(letters)
    expect(await claimed(storage)).toEqual([])
  })

  test('of a type that this process does not know take other data; those that hold no event take none', async () => {
    const storage = await logs.open()
    const name = `of_another_service_${Math.random().toString(36).slice(2)}`
    const event = { ...createEvent(EventType.RISK_ALERT, {}), eventType: name }
    await append(storage, event)
    await storage.log.append([{ eventId: 'x', eventType: 'x', payload: 'no JSON' }])
    const office = new DeadLetterOffice({ storage })
    const [foreign, broken] = await bury(storage, 2)
    await office.requeue(foreign?.id ?? '', { ...ADA, data: { any: 1 } })
    expect(await claimed(storage)).toMatchObject([{ eventType: name, data: { any: 1 } }])
    await expect(office.requeue(broken?.id ?? '', { ...ADA, data: {} })).rejects.toMatchObject({
      code: 'invalid_event'
    })
    expect(await office.list()).toEqual([broken])
  })

  test('are discarded for a reason; what operators did is on record', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 3)
    const [one, two, three] = idsOf(letters) as [string, string, string]
    await office.requeue(one, ADA)
    await office.requeue(two, { by: 'bob', data: { symbol: 'AAPL', signal: 'BUY' } })
    await office.discard(three, { by: 'cy', reason: 'a test order' })
    expect(await office.list()).toEqual([])
    const actions = await office.actions()
    expect(actions).toMatchObject([
      { action: 'requeue', by: 'ada', amended: false, letter: letters[0] },
      { action: 'requeue', by: 'bob', amended: true, letter: letters[1] },
      { action: 'discard', by: 'cy', reason: 'a test order', letter: letters[2] }
    ])
    expect(await office.actions({ limit: 1, after: actions[1]?.id ?? '' })).toEqual(actions.slice(2))
  })

  test('that are not there, or whose group is gone, cannot be put back', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 1)
    const id = letters[0]?.id ?? ''
    await storage.queue('brokers').destroy()
    await expect(office.requeue(id, ADA)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/group "brokers".*gone/)
    })
    expect(await office.list()).toEqual(letters)
    await storage.queue('brokers').create('end')
    await office.requeue(id, ADA)
    await expect(office.requeue(id, ADA)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/no dead letter/)
    })
    await expect(office.discard(id, { ...ADA, reason: 'x' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('are not touched by what is asked for wrongly', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 1)
    const id = letters[0]?.id ?? ''
    const wrong: readonly [() => Promise<unknown>, RegExp][] = [
      [() => office.requeue(id, { by: '' }), /^by must be/],
      [() => office.requeue(id, { by: 'a\nb' }), /^by must be/],
      [() => office.discard(id, { ...ADA, reason: ' ' }), /^reason must be/],
      [() => office.list({ limit: 0 }), /^limit must be/],
      [() => office.list({ limit: 1_000_000 }), /^limit must be/],
      [() => office.list({ kind: 'lost' as never }), /^kind must be one of poison, rejected, exhausted/],
      [() => office.count({ since: 2, until: 1 }), /^since \(2\) is after until/],
      [() => office.requeueAll({ group: undefined } as object, ADA), /^group must be left out/],
      [() => office.requeueAll({ group: '' }, ADA), /^group must be/],
      [() => office.requeueAll({}, { ...ADA, stepSize: 0 }), /^stepSize must be/],
      [() => office.requeueAll({}, { ...ADA, stepSize: 1_000_000 }), /^stepSize must be/],
      [() => office.requeueAll({}, { ...ADA, expected: -1 }), /^expected must be/],
      [() => office.requeueAll({}, { ...ADA, limit: 0 }), /^limit must be/],
      [() => office.requeueAll({}, { ...ADA, after: id }), /give expected with it/],
      [() => office.requeueAll({}, { by: '' }), /^by must be/]
    ]
    for (const [call, message] of wrong) {
      await expect(call(), String(call)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(message)
      })
    }
    await expect(office.requeueAll({ gruop: 'brokers' } as object, ADA)).rejects.toMatchObject({
      code: 'invalid_options'
    })
    expect(await office.list()).toEqual(letters)
    expect(await office.actions()).toEqual([])
  })
})

describeOn(ALL_LOGS, 'a bulk requeue', (logs) => {
  test('says first how many it would move, and moves none', async () => {
    const { office, letters } = await buried(await logs.open(), 3)
    const report = await office.requeueAll({ group: 'brokers' }, { ...ADA, dryRun: true })
    const next = { expected: 3, until: expect.any(Number) }
    expect(report).toEqual({ matched: 3, requeued: 0, failed: [], remaining: 3, next })
    expect(await office.list()).toEqual(letters)
  })

  test('moves in bounded steps, oldest first, and tells of each', async () => {
    const storage = await logs.open()
    const { office } = await buried(storage, 25)
    const listed: number[] = []
    const collections = new Proxy(storage.collections, {
      get(target, name) {
        if (name !== 'list') return Reflect.get(target, name).bind(target)
        return (collection: string, page: ListPage) => {
          if (page.limit > 1) listed.push(page.limit)
          return target.list(collection, page)
        }
      }
    })
    const watched = withFaults(storage, { collections })
    const told: number[] = []
    const onProgress = ({ requeued }: { requeued: number }) => void told.push(requeued)
    const report = await new DeadLetterOffice({ storage: watched }).requeueAll({}, { ...ADA, stepSize: 10, onProgress })
    expect(report).toEqual({ matched: 25, requeued: 25, failed: [], remaining: 0 })
    // The first page counts those that match.
    expect({ listed, told }).toEqual({ listed: [200, 10, 10, 5], told: [10, 20, 25] })
    expect((await claimed(storage)).map(({ data }) => data.price)).toEqual(Array.from({ length: 25 }, (_, i) => i))
    expect(await office.count()).toBe(0)
  })

  test('moves only letters that were there when it began, though each fails again at once', async () => {
    const storage = await logs.open()
    const { office } = await buried(storage, 30)
    // A clock that is before the log's does not tell old letters from new ones: then the count does.
    const clock = { now: () => Date.now() + 3_600_000, sleep: async () => {} }
    const group = storage.queue('brokers')
    const failing = withMove(storage, async (_, commit) => {
      const results = await commit()
      await giveUp(storage, await group.claim('broker-1', { minIdleMs: 0, limit: 100 }))
      return results
    })
    const bounded = await new DeadLetterOffice({ storage: failing, clock }).requeueAll({}, { ...ADA, stepSize: 7 })
    expect(bounded).toEqual({ matched: 30, requeued: 30, failed: [], remaining: 0 })
    expect(await office.count()).toBe(30)
  })

  test('moves no letter that came after an earlier call had counted, whatever became of the others', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 3)
    const { next } = await office.requeueAll({}, { ...ADA, dryRun: true })
    const { until = 0, ...where } = next ?? { expected: 0 }
    await waitFor(() => Date.now() > until)
    await office.discard(letters[0]?.id ?? '', { ...ADA, reason: 'a test order' })
    await append(storage, signal())
    const later = await bury(storage, 1)
    expect(await office.requeueAll({ until }, { ...ADA, ...where })).toMatchObject({ requeued: 2, remaining: 0 })
    expect(await office.list()).toEqual(later)
  })

  test('stops after the letter in hand when its signal is aborted, says what it did, and goes on when called again', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 12)
    const abort = new AbortController()
    const stopping = withMove(storage, (id, commit) => {
      if (id === letters[4]?.id) abort.abort()
      return commit()
    })
    const options = { ...ADA, stepSize: 3 }
    const report = await new DeadLetterOffice({ storage: stopping }).requeueAll(
      {},
      { ...options, signal: abort.signal }
    )
    const next = { until: expect.any(Number), expected: 7, after: letters[4]?.id }
    expect(report).toEqual({ matched: 12, requeued: 5, failed: [], remaining: 7, next })
    expect(idsOf(await office.list())).toEqual(idsOf(letters.slice(5)))
    const rest = await office.requeueAll({}, { ...options, limit: 4 })
    expect(rest).toMatchObject({ matched: 7, requeued: 4, remaining: 3 })
    const { until = 0, ...where } = rest.next ?? { expected: 0 }
    expect(await office.requeueAll({ until }, { ...options, ...where })).toMatchObject({ requeued: 3, remaining: 0 })
    expect(await claimed(storage)).toHaveLength(12)
    expect(await office.requeueAll({}, ADA)).toEqual({ matched: 0, requeued: 0, failed: [], remaining: 0 })
  })

  test('names the letters that cannot be moved, and moves the rest', async () => {
    const storage = await logs.open()
    const { office, letters } = await buried(storage, 5)
    const [first, , third] = letters.map(({ messageId }) => messageId) as [string, string, string]
    await storage.log.remove([first, third], { force: true })
    const other = withMove(storage, async (id, commit) => {
      if (id === letters[1]?.id) await new DeadLetters({ storage }).discard(id, { by: 'bob', reason: 'meanwhile' })
      return commit()
    })
    const report = await new DeadLetterOffice({ storage: other }).requeueAll({}, ADA)
    expect(report).toEqual({
      matched: 5,
      requeued: 2,
      failed: [
        { id: letters[0]?.id, code: 'entry_trimmed' },
        { id: letters[1]?.id, code: 'not_found' },
        { id: letters[2]?.id, code: 'entry_trimmed' }
      ],
      remaining: 0
    })
    expect(idsOf(await office.list())).toEqual([letters[0]?.id, letters[2]?.id])
  })

  test('that the log cuts short rejects with what the log says and how many were moved, and loses no letter', async () => {
    const storage = await logs.open()
    const { letters } = await buried(storage, 5)
    let calls = 0
    const down = withMove(storage, async (_, commit) => {
      calls++
      if (calls === 3) await storage.close()
      return commit()
    })
    await expect(new DeadLetterOffice({ storage: down }).requeueAll({}, ADA)).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringMatching(/^2 of 5 dead letters put back, then this: /)
    })
    const reopened = new DeadLetterOffice({ storage: await logs.open() })
    expect(idsOf(await reopened.list())).toEqual(idsOf(letters.slice(2)))
  })
})
