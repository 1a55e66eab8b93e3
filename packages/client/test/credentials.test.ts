import { expect, it } from 'vitest'
import { EventClient } from '../src/index.ts'
import { json, ScriptedService } from './support/scripted-service.ts'
import { DEADLINE_MS, TestClock } from './support/test-clock.ts'

const EMPTY = json({ events: [], count: 0 })
const EXPIRED = json({ code: 'unauthenticated', detail: 'The token has expired.', status: 401 }, 401)
const KEY = 'tradpal_a_secret'

const shown = ({ requests }: ScriptedService) => requests.map(({ headers }) => headers.authorization)

it('an API key and a token are sent with every request, as bearer', async () => {
  await using service = await ScriptedService.start(EMPTY)
  for (const credentials of [{ apiKey: KEY }, { token: KEY }, { token: async () => KEY }]) {
    await using client = new EventClient({ url: service.url, ...credentials })
    await client.getEvents()
    await client.getEvents()
  }

  expect(shown(service)).toEqual(Array(6).fill(`Bearer ${KEY}`))
})

it('a stream is opened with them, too', async () => {
  await using service = await ScriptedService.start((response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end()
  })
  await using client = new EventClient({ url: service.url, apiKey: KEY })
  for await (const _ of client.streamReplay()) throw new Error('there is none')

  expect(shown(service)).toEqual([`Bearer ${KEY}`])
})

it('a function is asked again after a 401, once, and by all requests that were refused together', async () => {
  let asked = 0
  await using service = await ScriptedService.start((response, request) => {
    const answer = request.headers.authorization === 'Bearer token-1' ? EXPIRED : EMPTY
    answer(response, request)
  })
  await using client = new EventClient({ url: service.url, token: () => `token-${++asked}` })

  await Promise.all([client.getEvents(), client.getEvents(), client.getEvents()])
  await client.getEvents()

  expect(asked).toBe(2)
  expect(shown(service).at(-1)).toBe('Bearer token-2')
})

it('a token that is refused when it is new, and a text that is, are not sent again', async () => {
  await using service = await ScriptedService.start(EXPIRED)
  let asked = 0
  await using renewing = new EventClient({ url: service.url, token: () => `token-${++asked}` })
  await using fixed = new EventClient({ url: service.url, token: 'token-0' })

  await expect(renewing.getEvents()).rejects.toMatchObject({ code: 'unauthenticated', status: 401, retryable: false })
  await expect(fixed.getEvents()).rejects.toMatchObject({ code: 'unauthenticated' })

  expect(shown(service)).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-0'])
})

it('a function that fails rejects the call, and is asked again by the next', async () => {
  await using service = await ScriptedService.start(EMPTY)
  let asked = 0
  const token = () => {
    if (++asked === 1) throw new Error('no network')
    return KEY
  }
  await using client = new EventClient({ url: service.url, token })

  await expect(client.getEvents()).rejects.toMatchObject({ code: 'unauthenticated', cause: { message: 'no network' } })
  await expect(client.getEvents()).resolves.toEqual([])
})

it.each([
  ['apiKey and token', { apiKey: KEY, token: KEY }],
  ['apiKey and the header', { apiKey: KEY, headers: { authorization: `Bearer ${KEY}` } }],
  ['an apiKey of two words', { apiKey: `${KEY} b` }],
  ['an empty token', { token: '' }],
  ['a token with a line break', { token: `${KEY}\n` }]
])('%s is refused, and none of it told', (_, options) => {
  const refused = () => new EventClient(options)

  expect(refused).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  expect(refused).not.toThrow(KEY)
})

it('a token of a function that cannot stand in a header is refused, and not told', async () => {
  await using client = new EventClient({ url: 'http://127.0.0.1:1', token: () => `${KEY} b` })

  const failure = await client.getEvents().catch((error) => error)

  expect(failure).toMatchObject({ code: 'invalid_options' })
  expect(String(failure)).not.toContain(KEY)
})

it.each([401, 403])('a %i is not tried again', async (status) => {
  await using service = await ScriptedService.start(json({ detail: 'No.' }, status), EMPTY)
  await using client = new EventClient({ url: service.url })

  await expect(client.getEvents()).rejects.toMatchObject({ status, retryable: false, message: 'No.' })
  expect(service.requests).toHaveLength(1)
})

it.each([
  [401, 'unauthenticated'],
  [403, 'forbidden'],
  [429, 'rate_limited']
] as const)('a status %i is %s, by the problem document and without one', async (status, code) => {
  await using service = await ScriptedService.start(
    json({ code, detail: 'Not so.', status }, status),
    json('a page of a proxy', status)
  )
  await using client = new EventClient({ url: service.url, retries: 0 })

  await expect(client.getEvents()).rejects.toMatchObject({ code, status, message: 'Not so.' })
  await expect(client.getEvents()).rejects.toMatchObject({ code, status })
})

it('a 429 is tried again when its Retry-After has passed, which holds nobody for longer than 20 s', async () => {
  const limited = (seconds: string) => json({ code: 'rate_limited', status: 429 }, 429, { 'retry-after': seconds })
  await using service = await ScriptedService.start(limited('7'), limited('3600'), EMPTY)
  const clock = new TestClock()
  await using client = new EventClient({ url: service.url, clock, timeoutMs: DEADLINE_MS })

  await expect(client.getEvents()).resolves.toEqual([])

  expect(clock.pauses).toEqual([7_000, 20_000])
})
