import type { StoredEvent } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { EventClient } from '../src/index.ts'
import { type Answer, raw, ScriptedService, stored, storedWire } from './support/scripted-service.ts'
import { DEADLINE_MS, TestClock } from './support/test-clock.ts'
import { waitFor } from './support/wait-for.ts'

const events = [stored('7-0'), stored('7-1', 'Ü/€'), stored('8-0')]
const ndjson = { 'content-type': 'application/x-ndjson; charset=utf-8' }
const lines = events.map((event) => `${JSON.stringify(storedWire(event))}\n`)

async function withReplay(answers: Answer[], use: (client: EventClient, service: ScriptedService) => Promise<void>) {
  await using service = await ScriptedService.start(...answers)
  await using client = new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock: new TestClock() })
  await use(client, service)
}

async function collect(replay: AsyncIterable<StoredEvent>, into: StoredEvent[] = []): Promise<StoredEvent[]> {
  for await (const event of replay) into.push(event)
  return into
}

describe('a streamed replay', () => {
  it('yields the events of the range in order', async () => {
    await withReplay([raw(lines.join(''), 200, ndjson)], async (client, service) => {
      expect(await collect(client.streamReplay({ eventType: 'trading_signal', speed: 10 }))).toEqual(events)
      const request = service.requests[0]
      expect([request?.method, request?.path, request?.headers.accept]).toEqual([
        'POST',
        '/events/replay',
        'application/x-ndjson'
      ])
      expect(`${request?.query}`).toBe('event_type=trading_signal&speed=10')
    })
  })

  it('takes a last line without a newline', async () => {
    await withReplay([raw(lines.join('').trimEnd(), 200, ndjson)], async (client) => {
      expect(await collect(client.streamReplay())).toEqual(events)
    })
  })

  it('is tried again until it begins', async () => {
    await withReplay([raw('', 503), raw(lines.join(''), 200, ndjson)], async (client) => {
      expect(await collect(client.streamReplay())).toEqual(events)
    })
  })

  it('rejects when the connection breaks, after what has arrived', async () => {
    const breaking: Answer = (response) => {
      response.writeHead(200, ndjson)
      response.write(lines[0] + (lines[1] ?? '').slice(0, 20), () => response.destroy())
    }
    await withReplay([breaking], async (client, service) => {
      const received: StoredEvent[] = []
      await expect(collect(client.streamReplay(), received)).rejects.toMatchObject({
        code: 'service_unavailable',
        retryable: true
      })
      expect(received).toEqual(events.slice(0, 1))
      expect(service.requests).toHaveLength(1)
    })
  })

  it('rejects when the text ends in the middle of an event, though the connection ends well', async () => {
    await withReplay([raw(lines[0] + (lines[1] ?? '').slice(0, 20), 200, ndjson)], async (client) => {
      await expect(collect(client.streamReplay())).rejects.toMatchObject({ code: 'service_unavailable' })
    })
  })

  it('rejects with the problem document that ends the lines', async () => {
    const problem = { status: 503, code: 'log_unavailable', detail: 'The log cannot be reached.' }
    await withReplay([raw(`${lines[0]}${JSON.stringify(problem)}\n`, 200, ndjson)], async (client) => {
      await expect(collect(client.streamReplay())).rejects.toMatchObject({
        code: 'log_unavailable',
        status: 503,
        retryable: true
      })
    })
  })

  it.each([
    ['is no JSON', 'oops', 'invalid_json'],
    ['holds a number that would change', `{"data":{"id":1234567890123456.7890}}`, 'not_representable']
  ])('rejects with the reason as cause when a line %s', async (_, line, code) => {
    await withReplay([raw(`${lines[0]}${line}\n${lines[1]}`, 200, ndjson)], async (client) => {
      const received: StoredEvent[] = []
      await expect(collect(client.streamReplay(), received)).rejects.toMatchObject({
        code: 'http_error',
        cause: { code }
      })
      expect(received).toEqual(events.slice(0, 1))
    })
  })

  it('names the event that cannot be read', async () => {
    const wrong = JSON.stringify({ ...storedWire(stored('9-0')), timestamp: 'noon' })
    await withReplay([raw(`${wrong}\n`, 200, ndjson)], async (client) => {
      const message = expect.stringMatching(/The event 9-0 from POST \/events\/replay .*timestamp/)
      await expect(collect(client.streamReplay())).rejects.toMatchObject({ code: 'invalid_event', message })
    })
  })

  it('rejects an answer that is no NDJSON', async () => {
    await withReplay([raw('{}', 200, { 'content-type': 'application/json' })], async (client) => {
      await expect(collect(client.streamReplay())).rejects.toMatchObject({ code: 'http_error', status: 200 })
    })
  })

  it('ends at the service when the loop is left, and with closed when the client is', async () => {
    let ended = 0
    const endless: Answer = (response) => {
      response.writeHead(200, ndjson).write(lines.join(''))
      response.on('close', () => ended++)
    }
    await withReplay([endless], async (client) => {
      for await (const event of client.streamReplay()) {
        expect(event).toEqual(events[0])
        break
      }
      await waitFor(() => ended === 1, 'the end of the connection')
      const received: StoredEvent[] = []
      const outcome = expect(collect(client.streamReplay(), received)).rejects.toMatchObject({ code: 'closed' })
      await waitFor(() => received.length === 3, 'three events')
      await client.close()
      await outcome
    })
  })

  it("ends at the service, and with aborted, when the caller's signal is aborted: before it began, and in the middle", async () => {
    let ended = 0
    const endless: Answer = (response) => {
      response.writeHead(200, ndjson).write(lines.join(''))
      response.on('close', () => ended++)
    }
    await withReplay([endless], async (client) => {
      await expect(collect(client.streamReplay({ signal: AbortSignal.abort() }))).rejects.toMatchObject({
        code: 'aborted'
      })
      const abort = new AbortController()
      const received: StoredEvent[] = []
      const outcome = expect(collect(client.streamReplay({ signal: abort.signal }), received)).rejects.toMatchObject({
        code: 'aborted'
      })
      await waitFor(() => received.length === 3, 'three events')
      abort.abort()
      await outcome
      await waitFor(() => ended === 1, 'the end of the connection')
    })
  })

  it('refuses a speed that is none', async () => {
    await using client = new EventClient()
    expect(() => client.streamReplay({ speed: 0 })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})
