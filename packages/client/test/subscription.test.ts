import type { StoredEvent } from '@tradpal/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventClient, type SubscribeOptions, type Subscription } from '../src/index.ts'
import {
  type Answer,
  cut,
  eventFrame,
  json,
  positionFrame,
  raw,
  ScriptedService,
  sse,
  sseCut,
  stored
} from './support/scripted-service.ts'
import { DEADLINE_MS, TestClock } from './support/test-clock.ts'
import { waitFor } from './support/wait-for.ts'

const HEARTBEAT_TIMEOUT_MS = DEADLINE_MS + 1

async function withSubscription(
  answers: Answer[],
  options: SubscribeOptions,
  use: (subscription: Subscription, service: ScriptedService, clock: TestClock, client: EventClient) => Promise<void>
) {
  await using service = await ScriptedService.start(...answers)
  const clock = new TestClock()
  await using client = new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock, random: () => 0.5 })
  await using subscription = client.subscribe({ heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS, ...options })
  await use(subscription, service, clock, client)
}

async function take(subscription: Subscription, count: number): Promise<StoredEvent[]> {
  const iterator = subscription[Symbol.asyncIterator]()
  const taken: StoredEvent[] = []
  while (taken.length < count) {
    const { value, done } = await iterator.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

const resumedBehind = (service: ScriptedService) => service.requests.map((request) => request.headers['last-event-id'])

describe('a subscription', () => {
  const [a, b, c] = [stored('7-0'), stored('7-1', 'Ü/€'), stored('8-0')]

  it('delivers events, and neither the position nor heartbeats', async () => {
    const body = `${positionFrame('6-0')}: heartbeat\n\n${eventFrame(a)}: heartbeat\n\n${eventFrame(b)}`
    await withSubscription(
      [sse(body)],
      { eventType: ['trading_signal', 'risk_alert'], symbols: ['BTC/USDT', 'ETH'] },
      async (subscription, service) => {
        expect(await take(subscription, 2)).toEqual([a, b])
        expect(subscription.position).toBe('7-1')
        const request = service.requests[0]
        expect([request?.method, request?.path, request?.headers.accept]).toEqual([
          'GET',
          '/events/stream',
          'text/event-stream'
        ])
        expect(`${request?.query}`).toBe('event_type=trading_signal&event_type=risk_alert&symbol=BTC%2FUSDT&symbol=ETH')
      }
    )
  })

  it.each([
    ['7-0', '7-0'],
    ['start', '0-0']
  ])('begins behind %s when asked to', async (after, sent) => {
    await withSubscription([sse(positionFrame('7-0'))], { after }, async (subscription, service) => {
      await subscription.open()
      expect(service.requests[0]?.query.get('after')).toBe(sent)
      expect(subscription.position).toBe(sent)
    })
  })

  it('asks for the same place again when the connection breaks before its first event', async () => {
    await withSubscription(
      [cut, sseCut(positionFrame('9-0')), sse(eventFrame(a))],
      { after: '5-0' },
      async (subscription, service) => {
        expect(await take(subscription, 1)).toEqual([a])
        expect(service.requests.map((request) => request.query.get('after'))).toEqual(['5-0', '5-0', '5-0'])
      }
    )
  })

  it('resumes behind the position when the connection breaks before the first event', async () => {
    await withSubscription(
      [sseCut(positionFrame('6-0')), sse(positionFrame('9-0') + eventFrame(a))],
      {},
      async (subscription, service) => {
        await subscription.open()
        expect(subscription.position).toBe('6-0')
        expect(await take(subscription, 1)).toEqual([a])
        expect(resumedBehind(service)).toEqual([undefined, '6-0'])
      }
    )
  })

  it('resumes behind the last event, wherever a later position stands', async () => {
    const answers = [
      sseCut(positionFrame('6-0') + eventFrame(a)),
      sseCut(positionFrame('99-0')),
      sse(positionFrame('99-0') + eventFrame(b))
    ]
    await withSubscription(answers, {}, async (subscription, service) => {
      expect(await take(subscription, 2)).toEqual([a, b])
      expect(resumedBehind(service)).toEqual([undefined, '7-0', '7-0'])
      expect(service.requests.every((request) => request.query.get('after') === null)).toBe(true)
    })
  })

  it('resumes behind a position that comes when entries were passed over', async () => {
    const answers = [
      sseCut(positionFrame('6-0') + eventFrame(a) + positionFrame('7-0')),
      sseCut(positionFrame('7-0') + positionFrame('9-0')),
      sse(positionFrame('9-0') + eventFrame(stored('10-0')))
    ]
    await withSubscription(answers, {}, async (subscription, service) => {
      expect(await take(subscription, 2)).toEqual(
        [a, stored('10-0')].map((event) => expect.objectContaining({ messageId: event.messageId }))
      )
      expect(resumedBehind(service)).toEqual([undefined, '7-0', '9-0'])
    })
  })

  it('ends with the reason as cause on a frame that cannot be read', async () => {
    const frame = `event: trading_signal\ndata: {"id":1234567890123456.7890}\n\n`
    await withSubscription([sse(positionFrame('6-0') + frame)], {}, async (subscription) => {
      const cause = { code: 'not_representable' }
      await expect(take(subscription, 1)).rejects.toMatchObject({ code: 'http_error', cause })
    })
  })

  it('drops a frame that is cut in the middle, and gets it again', async () => {
    const cutFrame = eventFrame(b).slice(0, -1)
    await withSubscription(
      [sseCut(positionFrame('6-0') + eventFrame(a) + cutFrame), sse(eventFrame(b))],
      {},
      async (subscription) => {
        expect(await take(subscription, 2)).toEqual([a, b])
      }
    )
  })

  it('delivers nothing twice when the service repeats events after a reconnection', async () => {
    const answers = [sseCut(eventFrame(a) + eventFrame(b)), sse(eventFrame(a) + eventFrame(b) + eventFrame(c))]
    await withSubscription(answers, {}, async (subscription) => {
      expect(await take(subscription, 3)).toEqual([a, b, c])
    })
  })

  it('counts as read for resuming what the loop has been given, not what waits for it', async () => {
    await withSubscription([sse(positionFrame('6-0') + eventFrame(a) + eventFrame(b))], {}, async (subscription) => {
      expect(await take(subscription, 1)).toEqual([a])
      expect(subscription.position).toBe('7-0')
    })
  })

  it('reconnects when the service ends the stream', async () => {
    const ending: Answer = (response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(eventFrame(a))
    await withSubscription([ending, sse(eventFrame(b))], {}, async (subscription) => {
      expect(await take(subscription, 2)).toEqual([a, b])
    })
  })

  it('goes on for longer than a call would, and waits longer each time', async () => {
    const answers = [
      ...Array(10).fill(cut),
      raw('', 503, { 'retry-after': '7' }),
      sseCut(eventFrame(a)),
      sse(eventFrame(b))
    ]
    await withSubscription(answers, {}, async (subscription, _, clock) => {
      expect(await take(subscription, 2)).toEqual([a, b])
      expect(clock.pauses).toEqual([50, 100, 200, 400, 800, 1_600, 2_500, 2_500, 2_500, 2_500, 7_000, 50])
    })
  })

  it('waits longer each time also when every connection opens and breaks before an event', async () => {
    const answers = [...Array(4).fill(sseCut(positionFrame('6-0'))), sse(eventFrame(a))]
    await withSubscription(answers, {}, async (subscription, _, clock) => {
      await take(subscription, 1)
      expect(clock.pauses).toEqual([50, 100, 200, 400])
    })
  })

  it('reconnects when the connection falls silent', async () => {
    await withSubscription(
      [sse(positionFrame('6-0')), sse(eventFrame(a))],
      {},
      async (subscription, service, clock) => {
        await subscription.open()
        const next = take(subscription, 1)
        await waitFor(() => clock.deadlines.includes(HEARTBEAT_TIMEOUT_MS), 'the watch for silence')
        clock.passDeadlines()
        expect(await next).toEqual([a])
        expect(resumedBehind(service)).toEqual([undefined, '6-0'])
      }
    )
  })

  it('takes a heartbeat for a sign of life', async () => {
    const beating: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(positionFrame('6-0'))
      const beat = setInterval(() => response.write(': heartbeat\n\n'), 25)
      setTimeout(() => response.write(eventFrame(a)), 400)
      response.on('close', () => clearInterval(beat))
    }
    await using service = await ScriptedService.start(beating)
    await using client = new EventClient({ url: service.url })
    await using subscription = client.subscribe({ heartbeatTimeoutMs: 200 })
    expect(await take(subscription, 1)).toEqual([a])
    expect(service.requests).toHaveLength(1)
  })

  it.each([400, 401, 403, 404])('ends with the error of a %i', async (status) => {
    await withSubscription(
      [json({ detail: 'No.', code: 'invalid_argument' }, status)],
      {},
      async (subscription, service) => {
        const refusal = { code: 'invalid_argument', status, message: 'No.' }
        await expect(subscription.open()).rejects.toMatchObject(refusal)
        await expect(take(subscription, 1)).rejects.toMatchObject(refusal)
        expect(await take(subscription, 1)).toEqual([])
        expect(service.requests).toHaveLength(1)
      }
    )
  })

  it('ends with an error on an answer that is no event stream', async () => {
    await withSubscription([raw('<html>', 200, { 'content-type': 'text/html' })], {}, async (subscription) => {
      await expect(take(subscription, 1)).rejects.toMatchObject({ code: 'http_error', status: 200 })
    })
  })

  it('reconnects after an error frame that may pass', async () => {
    const error =
      'event: error\ndata: {"status":503,"code":"log_unavailable","detail":"The log cannot be reached."}\n\n'
    await withSubscription([sse(eventFrame(a) + error), sse(eventFrame(b))], {}, async (subscription, service) => {
      expect(await take(subscription, 2)).toEqual([a, b])
      expect(resumedBehind(service)).toEqual([undefined, '7-0'])
    })
  })

  it('ends with an error frame that does not pass, after the events before it', async () => {
    const error =
      'event: error\ndata: {"status":410,"code":"entry_trimmed","detail":"The entry is no longer in the log."}\n\n'
    await withSubscription([sse(eventFrame(a) + error)], {}, async (subscription) => {
      expect(await take(subscription, 1)).toEqual([a])
      await expect(take(subscription, 1)).rejects.toMatchObject({ code: 'entry_trimmed', status: 410 })
    })
  })

  it('tells an event of a type called error or position from what the service says of itself', async () => {
    const types = ['error', 'position'].map((eventType, seq) => ({ ...stored(`7-${seq}`), eventType }))
    await withSubscription([sse(types.map(eventFrame).join(''))], {}, async (subscription) => {
      const eventTypes = (await take(subscription, 2)).map((event) => event.eventType)
      expect(eventTypes).toEqual(['error', 'position'])
    })
  })

  it('names the event that it cannot read', async () => {
    const unreadable = 'event: x\nid: 7-0\ndata: {"event_type":"trading_signal","message_id":"7-0","data":7}\n\n'
    await withSubscription([sse(unreadable)], {}, async (subscription) => {
      await expect(take(subscription, 1)).rejects.toMatchObject({ message: expect.stringContaining('7-0') })
    })
  })

  it('ends without an error, and its connection with it, when it is closed', async () => {
    let ended = false
    const watched: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(positionFrame('6-0'))
      response.on('close', () => {
        ended = true
      })
    }
    await withSubscription([watched], {}, async (subscription) => {
      await subscription.open()
      const rest = take(subscription, 1)
      subscription.close()
      subscription.close()
      expect(await rest).toEqual([])
      await waitFor(() => ended, 'the end of the connection')
    })
  })

  it("ends without an error by the caller's signal, while it connects or waits", async () => {
    for (const answer of [(() => {}) as Answer, sse(positionFrame('6-0'))]) {
      const caller = new AbortController()
      await withSubscription([answer], { signal: caller.signal }, async (subscription, service) => {
        const rest = take(subscription, 1)
        await waitFor(() => service.requests.length === 1, 'the connection')
        caller.abort()
        expect(await rest).toEqual([])
      })
    }
  })

  it('does not connect when the signal is aborted already', async () => {
    await withSubscription([sse('')], { signal: AbortSignal.abort() }, async (subscription, service) => {
      expect(await take(subscription, 1)).toEqual([])
      expect(service.requests).toHaveLength(0)
    })
  })

  it('ends without an error when the client is closed', async () => {
    await withSubscription([sse(positionFrame('6-0'))], {}, async (subscription, _, clock, client) => {
      await subscription.open()
      const rest = take(subscription, 1)
      await client.close()
      expect(await rest).toEqual([])
      expect(clock.deadlines).toEqual([])
    })
  })

  it('ends its connection when the loop is left', async () => {
    let ended = false
    const watched: Answer = (response, request) => {
      sse(eventFrame(a) + eventFrame(b))(response, request)
      response.on('close', () => {
        ended = true
      })
    }
    await withSubscription([watched], {}, async (subscription) => {
      for await (const _ of subscription) break
      await waitFor(() => ended, 'the end of the connection')
    })
  })

  it('reads no faster than the loop runs', async () => {
    const total = 64 * 1024 * 1024
    let sent = 0
    const flooding: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const flood = () => {
        while (sent < total) {
          const frame = eventFrame({ ...stored(`${sent}-0`), metadata: { filler: 'X'.repeat(8_192) } })
          sent += frame.length
          if (!response.write(frame)) return void response.once('drain', flood)
        }
      }
      flood()
    }
    await withSubscription([flooding], {}, async (subscription) => {
      await take(subscription, 1)
      let before = -1
      while (sent !== before) {
        before = sent
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      expect(sent).toBeLessThan(total / 4)
      await take(subscription, 5_000)
      expect(sent).toBeGreaterThan(before)
    })
  })

  it('delivers every event once and in order, wherever its connections are cut and whatever the service repeats', async () => {
    const log = Array.from({ length: 12 }, (_, n) => stored(`${n + 1}-0`, n % 2 === 0 ? 'Ü/€ 🚀' : 'BTC/USDT'))
    const cuts = fc.array(fc.record({ bytes: fc.nat(2_000), repeated: fc.nat(3) }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.nat(11), async (connections, published) => {
        let length = published
        const answer = (budget: number, repeated: number): Answer => {
          return (response, request) => {
            const resume = request.headers['last-event-id']
            const from = resume === undefined ? length : Number.parseInt(String(resume), 10)
            // The log grows while nobody is connected, too.
            const frames = [
              positionFrame(`${length}-0`),
              ...log.slice(Math.max(published, from - repeated), log.length).map(eventFrame)
            ]
            length = log.length
            const bytes = Buffer.from(frames.join(''))
            const send = budget < bytes.length ? sseCut : sse
            send(bytes.subarray(0, budget))(response, request)
          }
        }
        // The first connection says where it stands; before that there is no place to resume from.
        const opening = Buffer.byteLength(positionFrame(`${published}-0`))
        const answers = connections.map(({ bytes, repeated }, n) =>
          answer(n === 0 ? bytes + opening : bytes, n === 0 ? 0 : repeated)
        )
        await withSubscription([...answers, answer(1e9, connections.length > 0 ? 2 : 0)], {}, async (subscription) => {
          const expected = log.slice(published)
          const received = await take(subscription, expected.length)
          expect(received).toEqual(expected)
        })
      }),
      { numRuns: 60 }
    )
  })
})
