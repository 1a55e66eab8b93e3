import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { newFolder } from '../../../../../test/support/new-folder.ts'
import { rawRequest, sendRaw } from '../support/raw-request.ts'
import { SseReader } from '../support/sse-reader.ts'
import { get, post, serviceOver, signal } from '../support/test-service.ts'
import { endpointsOf } from './endpoints.ts'
import { guardedService, keyHeaders } from './support.ts'

/** What a browser sends for a page of another site, and what it sends for one whose name was pointed at the service. */
const OF_A_PAGE = {
  'another origin': { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
  'no origin': { origin: 'null', 'sec-fetch-site': 'cross-site' },
  'another port of this machine': { 'sec-fetch-site': 'same-site' },
  'a name that was pointed here': { host: 'evil.example:8011', origin: 'http://evil.example:8011' }
} as const

/** A request with any headers, which fetch would not let choose. */
async function send(url: string, method: string, headers: Record<string, string> = {}, body?: string | Buffer) {
  const sent = request(url, { method, headers, agent: false })
  sent.on('error', () => {})
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const isJson = answer.headers['content-type']?.includes('json') === true && method !== 'HEAD'
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire brings
  return { status: answer.statusCode, headers: answer.headers, body: (isJson ? await json(answer) : undefined) as any }
}

describe.each([
  ['that nobody told who may use it', {}],
  ['with EVENT_AUTH=off', { EVENT_AUTH: 'off' }]
])('a service %s', (_, environment) => {
  test('refuses every endpoint that changes something to every page that is not its own', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const endpoints = endpointsOf((await get(`${url}/openapi.json`)).body).filter(({ method }) => method !== 'GET')
    expect(endpoints.length).toBeGreaterThan(15)
    for (const headers of Object.values(OF_A_PAGE)) {
      for (const { method, path } of endpoints) {
        const { status, body } = await send(url + path, method, headers)
        expect({ path, headers, status, code: body.code }).toEqual({ path, headers, status: 403, code: 'forbidden' })
      }
    }
    expect((await get(`${url}/groups`)).body.groups).toEqual([])
  })

  test('lets no page of another origin, and none of a name that was pointed here, read anything', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const endpoints = endpointsOf((await get(`${url}/openapi.json`)).body).filter(({ method }) => method === 'GET')
    const reading = [{ origin: 'http://evil.example' }, { origin: 'null' }, { host: 'evil.example:8011' }]
    for (const headers of reading) {
      for (const path of [...endpoints.map(({ path }) => path), '/', '/docs', '/openapi.json', '/nowhere']) {
        expect({ path, headers, status: (await send(url + path, 'GET', headers)).status }).toMatchObject({
          status: 403
        })
      }
    }
  })

  test('is not told otherwise by credentials, which it does not look at', async () => {
    const { url } = await serviceOver('sqlite', environment)
    for (const headers of [{ authorization: 'Bearer any' }, { 'x-api-key': 'any' }]) {
      const { status } = await send(`${url}/events`, 'GET', { host: 'evil.example', ...headers })
      expect(status).toBe(403)
    }
  })

  test('answers a page of its own, a program, and a browser in which somebody types its address', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const { host, origin } = new URL(url)
    const body = JSON.stringify(signal())
    const type = { 'content-type': 'application/json' }
    const own = { ...type, host, origin, 'sec-fetch-site': 'same-origin' }
    expect((await send(`${url}/events`, 'POST', own, body)).status).toBe(200)
    expect((await send(`${url}/events`, 'POST', type, body)).status).toBe(200)
    for (const site of ['none', 'cross-site']) {
      expect((await send(`${url}/events`, 'GET', { 'sec-fetch-site': site })).body.count).toBe(2)
    }
  })

  test('refuses before it reads a body, and says which variable allows what', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const large = Buffer.alloc(2_000_000, ' ')
    const host = await send(`${url}/events`, 'POST', { host: 'events.example.com' }, large)
    const origin = await send(`${url}/events`, 'POST', { origin: 'https://console.example.com' }, large)
    expect(host.body).toMatchObject({ status: 403, detail: expect.stringContaining('EVENT_ALLOWED_HOSTS') })
    expect(origin.body).toMatchObject({ status: 403, detail: expect.stringContaining('EVENT_ALLOWED_ORIGINS') })
  })

  test('answers under the names of EVENT_ALLOWED_HOSTS too', async () => {
    const { url } = await serviceOver('sqlite', {
      ...environment,
      EVENT_ALLOWED_HOSTS: 'events.example.com,*.desk.example'
    })
    for (const host of ['events.example.com', 'a.desk.example:8011', 'localhost']) {
      expect((await send(`${url}/events`, 'GET', { host })).status).toBe(200)
    }
    expect((await send(`${url}/events`, 'GET', { host: 'evil.example' })).status).toBe(403)
  })

  test('looks at the host of a whole URL, which wins over Host, and needs none of HTTP/1.0', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const [own] = await sendRaw(url, rawRequest('GET http://localhost:8011/events'))
    const [other] = await sendRaw(url, rawRequest('GET http://evil.example/events'))
    const [old] = await sendRaw(url, 'GET /events HTTP/1.0\r\n\r\n')
    expect([own?.status, other?.status, old?.status]).toEqual([200, 403, 200])
  })
})

test('where somebody may be anonymous, the rules hold for who is, and not for who shows a key', async () => {
  const policy = join(await newFolder(), 'policy.json')
  await writeFile(policy, '{"principals": {"anonymous": {"scopes": ["read:*", "consume:*"]}}}')
  const { service, url } = await guardedService('sqlite', { EVENT_AUTH: 'optional', EVENT_POLICY_FILE: policy })
  const key = await keyHeaders(service, 'desk', ['*'])
  for (const headers of Object.values(OF_A_PAGE)) {
    expect((await send(`${url}/groups/desk/pull`, 'POST', headers)).status).toBe(403)
    expect((await send(`${url}/groups/desk/pull`, 'POST', { ...headers, ...key })).status).toBe(200)
  }
  expect((await send(`${url}/groups/desk/pull`, 'POST')).status).toBe(200)
})

test('where credentials are required, a page that knows none gets no more than anybody, under any name', async () => {
  const { service, url } = await guardedService()
  const key = await keyHeaders(service, 'desk', ['*'])
  for (const headers of Object.values(OF_A_PAGE)) {
    expect((await send(`${url}/events`, 'POST', headers)).status).toBe(401)
    expect((await send(`${url}/health`, 'GET', headers)).body).not.toHaveProperty('log')
    expect((await send(`${url}/events`, 'GET', { ...headers, ...key })).status).toBe(200)
  }
})

describe('pages of EVENT_ALLOWED_ORIGINS', () => {
  const origin = 'https://console.example.com'
  const environment = { EVENT_ALLOWED_ORIGINS: `http://localhost:3000,${origin}` }
  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }

  test('may ask what they like, and their browser lets them read the answers', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const asked = await send(`${url}/events`, 'OPTIONS', { origin, 'sec-fetch-site': 'cross-site', ...preflight })
    const headers = { origin, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' }
    const published = await send(`${url}/events`, 'POST', headers, JSON.stringify(signal()))
    const wrong = await send(`${url}/events`, 'POST', headers, '{}')
    expect(asked).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
        'access-control-allow-headers': 'content-type'
      }
    })
    expect([published.status, wrong.status]).toEqual([200, 400])
    for (const answer of [published, wrong]) {
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' })
    }
  })

  test('may use every method that the API has', async () => {
    const { url } = await serviceOver('sqlite', environment)
    const { paths } = (await get(`${url}/openapi.json`)).body as { paths: Record<string, object> }
    const methods = new Set(Object.values(paths).flatMap((path) => Object.keys(path).map((name) => name.toUpperCase())))
    const asked = await send(`${url}/events`, 'OPTIONS', { origin, ...preflight })
    const allowed = String(asked.headers['access-control-allow-methods']).split(', ')
    expect([...methods].filter((method) => !allowed.includes(method))).toEqual([])
  })

  test('read live streams and replays as well', async () => {
    const { url } = await serviceOver('sqlite', environment)
    await post(`${url}/events`, signal())
    const reader = await SseReader.open(`${url}/events/stream?after=start`, { origin })
    await reader.untilEvents(1)
    const replay = await get(`${url}/events/replay`, {
      method: 'POST',
      headers: { origin, accept: 'application/x-ndjson' }
    })
    expect(reader.response.headers['access-control-allow-origin']).toBe(origin)
    expect(replay.headers.get('access-control-allow-origin')).toBe(origin)
  })

  test('are asked for credentials as everybody is, and can read that', async () => {
    const { url } = await guardedService('sqlite', environment)
    const asked = await send(`${url}/events`, 'OPTIONS', { origin, ...preflight })
    const refused = await send(`${url}/events`, 'POST', { origin })
    expect(asked.status).toBe(204)
    expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': origin } })
  })

  test('are no other pages: those are refused, and their browser is told nothing', async () => {
    const { url } = await serviceOver('sqlite', environment)
    for (const other of ['http://console.example.com', 'https://evil.example', 'null']) {
      for (const method of ['OPTIONS', 'GET', 'POST']) {
        const { status, headers } = await send(`${url}/events`, method, { origin: other, ...preflight })
        expect(status).toBe(403)
        expect(headers['access-control-allow-origin']).toBeUndefined()
      }
    }
  })

  test('and without the variable no answer speaks of other origins', async () => {
    const { url } = await serviceOver('sqlite')
    const own = { origin: url, host: new URL(url).host }
    const { headers } = await send(`${url}/events`, 'GET', own)
    expect((await send(`${url}/events`, 'OPTIONS', own)).status).toBe(405)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control') || name === 'vary')).toEqual([])
  })
})
