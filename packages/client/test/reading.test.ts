import type { EventOf, StoredEvent } from '@tradpal/events'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { EventClient } from '../src/index.ts'
import { type Answer, cut, json, raw, ScriptedService, stored, storedWire } from './support/scripted-service.ts'
import { DEADLINE_MS, TestClock } from './support/test-clock.ts'

async function withClient(answer: Answer, use: (client: EventClient, service: ScriptedService) => Promise<void>) {
  await using service = await ScriptedService.start(answer)
  await using client = new EventClient({ url: `${service.url}/`, timeoutMs: DEADLINE_MS, clock: new TestClock() })
  await use(client, service)
}

const event = stored('7-0')

describe('reading', () => {
  it('asks for the newest 100 events when nothing is said', async () => {
    await withClient(json({ events: [storedWire(event)], count: 1 }), async (client, service) => {
      expect(await client.getEvents()).toEqual([event])
      expect(`${service.requests[0]?.path}?${service.requests[0]?.query}`).toBe('/events?limit=100')
    })
  })

  it('sends types and instants by their names on the wire, in RFC 3339', async () => {
    await withClient(json({ events: [], count: 0 }), async (client, service) => {
      const eventType = ['trading_signal', 'risk_alert']
      await client.getEvents({ eventType, startTime: new Date(0), endTime: '2026-11-23T10:00:00.5+01:00', limit: 5 })
      await client.getEvents({ startTime: 1_000 })
      expect([...(service.requests[0]?.query ?? [])]).toEqual([
        ['event_type', 'trading_signal'],
        ['event_type', 'risk_alert'],
        ['start_time', '1970-01-01T00:00:00.000+00:00'],
        ['end_time', '2026-11-23T09:00:00.500+00:00'],
        ['limit', '5']
      ])
      expect(service.requests[1]?.query.get('start_time')).toBe('1970-01-01T00:00:01.000+00:00')
    })
  })

  it('sends the time that instants are of, also with a replay and a count, and none when nothing is said', async () => {
    await withClient(json({ events: [], count: 0, position: '0@0-0', events_replayed: 0 }), async (client, service) => {
      await client.getPage({ time: 'event', startTime: 0 })
      await client.countEvents({ time: 'event' })
      await client.getEvents({ time: 'log' })
      expect(service.requests.map(({ query }) => query.get('time'))).toEqual(['event', 'event', 'log'])
      await client.getEvents()
      expect(service.requests.at(-1)?.query.has('time')).toBe(false)
    })
  })

  it('hands on the hint of a page, where it has one', async () => {
    const page = { events: [], count: 0, position: '1-0' }
    await withClient(json({ ...page, hint: 'Ask with time=event.' }), async (client) => {
      expect(await client.getPage()).toEqual({ events: [], position: '1-0', hint: 'Ask with time=event.' })
    })
    await withClient(json(page), async (client) => {
      expect(await client.getPage()).toEqual({ events: [], position: '1-0' })
    })
  })

  it('reads a stream page by page, until one says no more where the next begins', async () => {
    const page = (versions: number[], next?: number) =>
      json({
        stream_key: 'account 7/a',
        events: versions.map((version) => ({ ...storedWire(stored(`${version}-0`)), version })),
        count: versions.length,
        ...(next === undefined ? {} : { next_version: next })
      })
    await using service = await ScriptedService.start(page([3, 5], 6), page([], 9), page([9]))
    await using client = new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock: new TestClock() })
    const stream = await Array.fromAsync(client.readStream('account 7/a', { fromVersion: 2 }))
    expect(stream.map(({ messageId, streamKey, version }) => [messageId, streamKey, version])).toEqual([
      ['3-0', 'account 7/a', 3],
      ['5-0', 'account 7/a', 5],
      ['9-0', 'account 7/a', 9]
    ])
    expect(service.requests.map(({ path, query }) => [path, Object.fromEntries(query)])).toEqual(
      ['2', '6', '9'].map((from_version) => [
        '/versions/events',
        { stream_key: 'account 7/a', from_version, limit: '1000' }
      ])
    )
  })

  it('refuses a stream key and a version that cannot be before anything is sent, and an answer without a version', async () => {
    await withClient(json({ events: [storedWire(event)], count: 1 }), async (client, service) => {
      for (const [key, fromVersion] of [
        ['', 1],
        ['a\n', 1],
        ['a', 0],
        ['a', 1.5]
      ] as const) {
        expect(() => client.readStream(key, { fromVersion })).toThrow(
          expect.objectContaining({ code: 'invalid_argument' })
        )
      }
      expect(service.requests).toHaveLength(0)
      await expect(Array.fromAsync(client.readStream('a'))).rejects.toMatchObject({ code: 'http_error' })
    })
  })

  it('refuses what is no instant before anything is sent', async () => {
    await withClient(json({ events: [] }), async (client, service) => {
      await expect(client.getEvents({ startTime: Number.NaN })).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(client.getEvents({ endTime: 'yesterday' })).rejects.toMatchObject({ code: 'invalid_argument' })
      expect(service.requests).toHaveLength(0)
    })
  })

  it('refuses an empty list of types, which would ask for all', async () => {
    await withClient(json({ events: [] }), async (client, service) => {
      const none = { eventType: [] }
      await expect(client.getEvents(none)).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(client.countEvents(none)).rejects.toMatchObject({ code: 'invalid_argument' })
      for (const call of [() => client.streamReplay(none), () => client.subscribe(none)]) {
        expect(call).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
      }
      expect(service.requests).toHaveLength(0)
    })
  })

  it('knows what the events of a named type carry', async () => {
    await withClient(json({ events: [storedWire(event)], count: 1 }), async (client) => {
      const [signal] = await client.getEvents({ eventType: 'trading_signal' })
      if (signal?.valid !== true) throw new Error('The signal is valid.')
      expectTypeOf(signal.data.signal).toEqualTypeOf<'BUY' | 'SELL' | 'HOLD'>()
      // @ts-expect-error: the type is called trading_signal
      const misspelt = () => client.getEvents({ eventType: 'trading_signl' })
      expectTypeOf(misspelt).toBeFunction()
      expectTypeOf(client.streamReplay({ eventType: 'risk_alert' })).toExtend<AsyncIterable<EventOf<'risk_alert'>>>()
      expectTypeOf(client.subscribe({ eventType: ['risk_alert', 'trading_signal'] })).toExtend<
        AsyncIterable<EventOf<'risk_alert'> | EventOf<'trading_signal'>>
      >()
      expectTypeOf(await client.getEvents({ symbol: 'AAPL' })).toEqualTypeOf<EventOf<string>[]>()
      expectTypeOf(await client.getEvents({ eventType: 'risk_alert', raw: true })).toEqualTypeOf<StoredEvent[]>()
      const one = () => client.getEvent('7-0', { raw: true })
      expectTypeOf(one).returns.resolves.toEqualTypeOf<StoredEvent>()
      expect(signal.data.signal).toBe('BUY')
    })
  })

  it('takes events of a type that this process does not know', async () => {
    const foreign = { ...storedWire(event), event_type: 'order_cancelled', data: { signal: 7 } }
    await withClient(json({ events: [foreign], count: 1 }), async (client) => {
      expect(await client.getEvents()).toEqual([{ ...event, eventType: 'order_cancelled', data: { signal: 7 } }])
    })
  })

  it('gets the JSON Schemas of the event types', async () => {
    const schemas = { risk_alert: { type: 'object' } }
    await withClient(json({ event_types: ['risk_alert'], schemas }), async (client, service) => {
      expect(await client.getEventSchemas()).toEqual(schemas)
      expect(service.requests[0]?.path).toBe('/events/types')
    })
    await withClient(json({ event_types: [], schemas: { risk_alert: null } }), async (client) => {
      await expect(client.getEventSchemas()).rejects.toMatchObject({ code: 'http_error' })
    })
  })

  it('gets one event by its message id', async () => {
    await withClient(json(storedWire(event)), async (client, service) => {
      expect(await client.getEvent('7-0')).toEqual(event)
      expect(service.requests[0]?.path).toBe('/events/7-0')
    })
  })

  it.each(['', '.', '..'])('refuses %j as a message id, which would name another path', async (id) => {
    await withClient(json(storedWire(event)), async (client) => {
      await expect(client.getEvent(id)).rejects.toMatchObject({ code: 'invalid_argument' })
    })
  })

  it('keeps a message id inside its segment of the path', async () => {
    await withClient(json({ code: 'not_found', detail: 'No such event.' }, 404), async (client, service) => {
      await expect(client.getEvent('../stats?x#y')).rejects.toMatchObject({ code: 'not_found', status: 404 })
      expect(service.requests[0]?.path).toBe('/events/..%2Fstats%3Fx%23y')
    })
  })

  it('gets the lineage, first cause first', async () => {
    const [first, second, third] = [stored('5-0'), stored('6-0'), stored('8-0')]
    const wire = {
      event: storedWire(event),
      causes: [first, second].map(storedWire),
      effects: [storedWire(third)],
      complete: true
    }
    await withClient(json(wire), async (client, service) => {
      expect(await client.getLineage('7-0')).toEqual({
        event,
        causes: [first, second],
        effects: [third],
        complete: true
      })
      expect(service.requests[0]?.path).toBe('/events/7-0/lineage')
    })
  })

  it("gets the statistics with the wire's keys", async () => {
    const group = { name: 'tradpal_consumers', consumers: 1, pending: 0, 'last-delivered-id': '7-0' }
    const stats = {
      stream_length: 1,
      first_entry: '7-0',
      last_entry: '7-0',
      consumer_groups: 1,
      groups: [group],
      bytes: 300
    }
    await withClient(json(stats), async (client) => {
      expect(await client.getEventStats()).toEqual(stats)
    })
  })

  it('gets the metrics as text', async () => {
    await withClient(raw('event_service_stream_length 7\n'), async (client) => {
      expect(await client.getMetrics()).toBe('event_service_stream_length 7\n')
    })
  })

  it('counts what a replay finds, and tries again: it is a read', async () => {
    await using service = await ScriptedService.start(cut, json({ status: 'replay_complete', events_replayed: 42 }))
    await using client = new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock: new TestClock() })
    expect(await client.countEvents({ eventType: 'trading_signal', timeoutMs: 100_000 })).toBe(42)
    expect(service.requests.map(({ method, path, query }) => `${method} ${path}?${query}`)).toEqual(
      Array(2).fill('POST /events/replay?event_type=trading_signal')
    )
  })

  it("sends the client's headers with every request", async () => {
    await using service = await ScriptedService.start(json({ event_types: [] }))
    await using client = new EventClient({ url: service.url, headers: { authorization: 'Bearer t' } })
    await client.getEventTypes()
    expect(service.requests[0]?.headers.authorization).toBe('Bearer t')
  })

  it('serves a thousand calls at once', async () => {
    await withClient(json({ event_types: ['risk_alert'] }), async (client, service) => {
      const warnings: Error[] = []
      const listener = (warning: Error) => void warnings.push(warning)
      process.on('warning', listener)
      await Promise.all(Array.from({ length: 1_000 }, () => client.getEventTypes()))
      process.off('warning', listener)
      expect(service.requests).toHaveLength(1_000)
      expect(warnings).toEqual([])
    })
  })
})

describe('the health check', () => {
  const report = {
    status: 'unhealthy',
    timestamp: '2026-11-23T08:49:10.123+00:00',
    service: 'event_service',
    log: 'down'
  }

  it('resolves to an unhealthy report, at once, though its status is 503', async () => {
    await withClient(json(report, 503), async (client, service) => {
      expect(await client.healthCheck()).toEqual(report)
      expect(service.requests).toHaveLength(1)
    })
  })

  it('rejects when the answer is no report', async () => {
    await withClient(raw('<html>', 503), async (client) => {
      await expect(client.healthCheck()).rejects.toMatchObject({ code: 'service_unavailable', status: 503 })
    })
    await withClient(json({ fine: true }), async (client) => {
      await expect(client.healthCheck()).rejects.toMatchObject({ code: 'http_error', status: 200 })
    })
    await withClient(raw('<html>'), async (client) => {
      const cause = { code: 'invalid_json' }
      await expect(client.healthCheck()).rejects.toMatchObject({ code: 'http_error', status: 200, cause })
    })
  })
})

describe('the dead letters', () => {
  const at = '2026-11-23T08:49:10.123+00:00'
  const ms = Date.UTC(2026, 10, 23, 8, 49, 10, 123)
  const wire = {
    id: '3',
    message_id: '7-0',
    group: 'tradpal_consumers',
    consumer: 'a',
    handler: null,
    event_type: null,
    kind: 'poison',
    reason: 'The entry has no field event.',
    attempts: 0,
    requeues: 2,
    amended: true,
    fingerprint: 'c0ffee',
    first_error: { message: 'The entry has no field event.', at },
    last_error: { message: 'The entry has no field event.', stack: 'Error', at },
    dead_at: at,
    payload: null,
    raw: { evnt: '{}' }
  }
  const letter = {
    id: '3',
    messageId: '7-0',
    group: 'tradpal_consumers',
    consumer: 'a',
    handler: null,
    eventType: null,
    kind: 'poison',
    attempts: 0,
    requeues: 2,
    amended: true,
    fingerprint: 'c0ffee',
    firstError: { message: 'The entry has no field event.', at: ms },
    lastError: { message: 'The entry has no field event.', stack: 'Error', at: ms },
    deadAt: ms,
    payload: null,
    raw: { evnt: '{}' }
  }

  it('are listed by every condition', async () => {
    await withClient(json({ dead_letters: [wire], count: 1, total: 1 }), async (client, service) => {
      const filter = {
        group: 'g',
        eventType: 'risk_alert',
        handler: 'h',
        kind: 'poison',
        fingerprint: 'c0ffee',
        since: ms,
        until: at
      } as const
      expect(await client.deadLetters.list({ ...filter, after: '2', limit: 10 })).toEqual([letter])
      expect(Object.fromEntries(service.requests[0]?.query ?? [])).toEqual({
        group: 'g',
        event_type: 'risk_alert',
        handler: 'h',
        kind: 'poison',
        fingerprint: 'c0ffee',
        since: at,
        until: at,
        after: '2',
        limit: '10'
      })
    })
  })

  it('are counted', async () => {
    await withClient(json({ dead_letters: [wire], count: 1, total: 70 }), async (client, service) => {
      expect(await client.deadLetters.count({ group: 'g' })).toBe(70)
      expect(`${service.requests[0]?.query}`).toBe('group=g&limit=1')
    })
  })

  it('are counted by cause, with the oldest of each', async () => {
    const cause = { group: 'g', fingerprint: 'c0ffee', count: 7 }
    await withClient(json({ causes: [{ ...cause, oldest: wire }], count: 1 }), async (client, service) => {
      expect(await client.deadLetters.causes({ group: 'g' })).toEqual([{ ...cause, oldest: letter }])
      await client.deadLetters.causes()
      expect(service.requests.map(({ path, query }) => `${path}?${query}`)).toEqual([
        '/dead-letters/causes?group=g',
        '/dead-letters/causes?'
      ])
    })
  })

  it('are got one by one', async () => {
    const event = { ...wire, payload: '{}', handler: 'h', event_type: 'risk_alert' }
    await withClient(json(event), async (client, service) => {
      const expected = { ...letter, payload: '{}', handler: 'h', eventType: 'risk_alert' }
      expect(await client.deadLetters.get('3')).toEqual(expected)
      expect(service.requests[0]?.path).toBe('/dead-letters/3')
    })
  })

  it('have ids that stand in a path, whatever characters the name of the group has', async () => {
    await withClient(json(wire), async (client, service) => {
      await client.deadLetters.get('a%7Eb/ü %25~3')
      expect(service.requests[0]?.path).toBe('/dead-letters/a%257Eb%2F%C3%BC%20%2525~3')
    })
  })

  it('are put back to their group, with other data and a name for the record', async () => {
    await withClient(json({ status: 'requeued', id: '3' }), async (client, service) => {
      await client.deadLetters.requeue('3', { by: 'ann', data: { a: 1 } })
      const [request] = service.requests
      expect(`${request?.method} ${request?.path}`).toBe('POST /dead-letters/3/requeue')
      expect(JSON.parse(request?.body ?? '')).toEqual({ by: 'ann', data: { a: 1 } })
    })
  })

  it('are put back all together, and what remains by the same call with what the answer says', async () => {
    const failed = [{ id: '3', code: 'entry_trimmed' }]
    const answer = { matched: 9, requeued: 1, remaining: 7, failed, next: { until: at, expected: 7, after: '4' } }
    await withClient(json(answer), async (client, service) => {
      const result = await client.deadLetters.requeueAll({ group: 'g' }, { limit: 2 })
      expect(result).toEqual({ ...answer, next: { until: ms, expected: 7, after: '4' } })
      const { until, ...position } = result.next ?? { until: 0, expected: 0 }
      await client.deadLetters.requeueAll({ group: 'g', until }, { limit: 2, ...position })
      expect(service.requests.map(({ body }) => JSON.parse(body))).toEqual([
        { group: 'g', limit: 2 },
        { group: 'g', until: at, limit: 2, expected: 7, after: '4' }
      ])
    })
  })

  it('are all meant by an empty filter, which says so on the wire', async () => {
    await withClient(json({ matched: 0, requeued: 0, remaining: 0, failed: [] }), async (client, service) => {
      await client.deadLetters.requeueAll({}, { dryRun: true })
      expect(JSON.parse(service.requests[0]?.body ?? '')).toEqual({ all: true, dry_run: true })
    })
  })

  it('are discarded with a reason', async () => {
    await withClient(json({ status: 'discarded', id: '3' }), async (client, service) => {
      await client.deadLetters.discard('3', { reason: 'Cancelled.', by: 'ann' })
      const [request] = service.requests
      expect(`${request?.method} ${request?.path}`).toBe('DELETE /dead-letters/3')
      expect(JSON.parse(request?.body ?? '')).toEqual({ reason: 'Cancelled.', by: 'ann' })
    })
  })

  it('leave a record of what was done to them', async () => {
    const done = { id: '1', at, action: 'discard', by: 'ann', reason: 'Cancelled.', amended: false }
    await withClient(json({ actions: [{ ...done, letter: wire }], count: 1 }), async (client, service) => {
      expect(await client.deadLetters.actions({ after: '0', limit: 5 })).toEqual([{ ...done, at: ms, letter }])
      expect(`${service.requests[0]?.path}?${service.requests[0]?.query}`).toBe('/dead-letters/actions?after=0&limit=5')
    })
  })
})
