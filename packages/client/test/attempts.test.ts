import { EventSystemError } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { EventClient, ServiceError } from '../src/index.ts'
import { type Answer, cut, cutInBody, hang, json, raw, ScriptedService } from './support/scripted-service.ts'
import { DEADLINE_MS, TestClock } from './support/test-clock.ts'
import { waitFor } from './support/wait-for.ts'

const types = json({ event_types: ['trading_signal'] })

async function withClient(
  answers: Answer[],
  use: (client: EventClient, service: ScriptedService, clock: TestClock) => Promise<void>
) {
  await using service = await ScriptedService.start(...answers)
  const clock = new TestClock()
  await using client = new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock, random: () => 0.5 })
  await use(client, service, clock)
}

describe('attempts', () => {
  it.each([
    ['a broken connection', cut],
    ['an answer that breaks off', cutInBody],
    ['408', raw('', 408)],
    ['429', raw('', 429)],
    ['502', raw('<html>', 502)],
    ['503', raw('', 503)],
    ['504', raw('', 504)]
  ])('try again after %s', async (_, answer) => {
    await withClient([answer, types], async (client, service) => {
      expect(await client.getEventTypes()).toEqual(['trading_signal'])
      expect(service.requests).toHaveLength(2)
    })
  })

  it.each([400, 404, 409, 413, 500, 501])('do not try again after %i', async (status) => {
    await withClient([json({ detail: 'No.' }, status), types], async (client, service) => {
      await expect(client.getEventTypes()).rejects.toMatchObject({
        code: 'http_error',
        status,
        retryable: false,
        message: 'No.'
      })
      expect(service.requests).toHaveLength(1)
    })
  })

  it('wait longer each time, up to the maximum, and end after so many retries', async () => {
    await using service = await ScriptedService.start(raw('', 503))
    const clock = new TestClock()
    const backoff = { initialMs: 100, maxMs: 300 }
    await using client = new EventClient({
      url: service.url,
      timeoutMs: DEADLINE_MS,
      clock,
      backoff,
      retries: 4,
      random: () => 0.5
    })
    await expect(client.getEventTypes()).rejects.toMatchObject({
      code: 'service_unavailable',
      status: 503,
      retryable: true
    })
    expect(service.requests).toHaveLength(5)
    expect(clock.pauses).toEqual([50, 100, 150, 150])
  })

  it('wait as long as Retry-After says in seconds', async () => {
    await withClient([raw('', 503, { 'retry-after': '7' }), types], async (client, _, clock) => {
      await client.getEventTypes()
      expect(clock.pauses).toEqual([7_000])
    })
  })

  it('wait as long as Retry-After says by a date', async () => {
    const at = new Date(new TestClock().now() + 9_000).toUTCString()
    await withClient([raw('', 429, { 'retry-after': at }), types], async (client, _, clock) => {
      await client.getEventTypes()
      expect(clock.pauses).toEqual([9_000])
    })
  })

  it('wait at most 20 s, whatever Retry-After says', async () => {
    await withClient([raw('', 503, { 'retry-after': '86400' }), types], async (client, _, clock) => {
      await client.getEventTypes()
      expect(clock.pauses).toEqual([20_000])
    })
  })

  it('end when the service does not answer in time, each by itself', async () => {
    await withClient([hang, types], async (client, service, clock) => {
      const answer = client.getEventTypes()
      await waitFor(() => service.requests.length === 1, 'the first attempt')
      expect(clock.deadlines).toEqual([DEADLINE_MS])
      clock.passDeadlines()
      expect(await answer).toEqual(['trading_signal'])
      expect(clock.deadlines).toEqual([])
    })
  })

  it('end when the answer begins and does not finish in time', async () => {
    const slow: Answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{')
    await using service = await ScriptedService.start(slow)
    const clock = new TestClock()
    await using client = new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock, retries: 0 })
    const outcome = expect(client.getEventTypes()).rejects.toMatchObject({ code: 'service_timeout', retryable: true })
    await waitFor(() => service.requests.length === 1, 'the attempt')
    clock.passDeadlines()
    await outcome
  })

  it('end after a timeout by the real clock', async () => {
    await using service = await ScriptedService.start(hang)
    await using client = new EventClient({
      url: service.url,
      timeoutMs: 20,
      retries: 1,
      backoff: { initialMs: 1, maxMs: 1 }
    })
    await expect(client.getEventTypes()).rejects.toMatchObject({ code: 'service_timeout' })
    expect(service.requests).toHaveLength(2)
  })

  it('put an entry of the dead letters back once only', async () => {
    await withClient([raw('', 503)], async (client, service) => {
      await expect(client.deadLetters.requeue('3')).rejects.toMatchObject({ code: 'service_unavailable' })
      expect(service.requests).toHaveLength(1)
    })
  })
})

describe('errors', () => {
  it('say that the service cannot be reached when nothing listens', async () => {
    const gone = await ScriptedService.start(types)
    const url = gone.url
    await gone[Symbol.asyncDispose]()
    await using client = new EventClient({ url, retries: 0 })
    const error = await client.getEventTypes().catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'service_unavailable', retryable: true })
    expect(error.message).toContain(url)
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it("carry the problem document's code, pointer and sentence, and the whole document", async () => {
    const problem = {
      title: 'Bad Request',
      status: 400,
      detail: 'limit is above 1000.',
      code: 'invalid_argument',
      pointer: '/limit',
      trace: 'abc'
    }
    await withClient([json(problem, 400)], async (client) => {
      const error = await client.getEvents({ limit: 5000 }).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(ServiceError)
      expect(error).toBeInstanceOf(EventSystemError)
      expect(error).toMatchObject({
        code: 'invalid_argument',
        pointer: '/limit',
        status: 400,
        message: problem.detail,
        problem
      })
    })
  })

  it("fall back to http_error for a code that is not one of the event system's", async () => {
    await withClient([json({ code: 'toString', detail: 'Odd.' }, 418)], async (client) => {
      await expect(client.getEvents()).rejects.toMatchObject({
        code: 'http_error',
        status: 418,
        problem: { code: 'toString' }
      })
    })
  })

  it.each([
    ["a proxy's page", '<html>', 'invalid_json'],
    ['a number that would change', '{"code":"log_busy","trace":1234567890123456.7890}', 'not_representable']
  ])('stay the refusal that the status says when the body is %s, with the reason as cause', async (_, body, code) => {
    await withClient([raw(body, 503)], async (client, service) => {
      const error = await client.getEvents().catch((thrown) => thrown)
      expect(error).toMatchObject({ code: 'service_unavailable', status: 503, retryable: true, cause: { code } })
      expect(error.problem).toBeUndefined()
      expect(service.requests).toHaveLength(4)
    })
  })

  it.each([
    ['malformed JSON', '{"event_types":['],
    ["a proxy's page", '<html>'],
    ['another answer', '{"events":[]}'],
    ['null', 'null']
  ])('name the call when the answer is %s', async (_, body) => {
    await withClient([raw(body)], async (client, service) => {
      const error = await client.getEventTypes().catch((thrown) => thrown)
      expect(error).toMatchObject({ code: 'http_error', status: 200, retryable: false })
      expect(error.message).toContain('GET /events/types')
      expect(error.cause).toBeInstanceOf(EventSystemError)
      expect(service.requests).toHaveLength(1)
    })
  })
})

describe('close', () => {
  it('cuts short what is under way and refuses what comes after it', async () => {
    await withClient([hang], async (client, service, clock) => {
      const underWay = expect(client.getEventTypes()).rejects.toMatchObject({ code: 'closed', retryable: false })
      await waitFor(() => service.requests.length === 1, 'the attempt')
      await client.close()
      await client.close()
      await underWay
      expect(clock.deadlines).toEqual([])
      await expect(client.getEventTypes()).rejects.toMatchObject({ code: 'closed' })
      expect(() => client.subscribe()).toThrow(expect.objectContaining({ code: 'closed' }))
      expect(service.requests).toHaveLength(1)
    })
  })

  it('cuts short a pause between attempts', async () => {
    await using service = await ScriptedService.start(raw('', 503))
    await using client = new EventClient({
      url: service.url,
      backoff: { initialMs: 600_000, maxMs: 600_000 },
      random: () => 0.9
    })
    const underWay = expect(client.getEventTypes()).rejects.toMatchObject({ code: 'closed' })
    await waitFor(() => service.requests.length === 1, 'the attempt')
    await client.close()
    await underWay
  })
})
