import { beforeEach, describe, expect, test } from 'vitest'
import { rawRequest, sendRaw } from '../support/raw-request.ts'
import { get, post, serviceOver, signal } from '../support/test-service.ts'

let url: string
beforeEach(async () => {
  url = (await serviceOver()).url
})

const body = JSON.stringify(signal())
const appended = async () => (await get(`${url}/events/stats`)).body.stream_length

describe('a path', () => {
  test.each<[path: string, status: number]>([
    ['//events', 200],
    ['/events/', 200],
    ['/./events', 404],
    ['/events/../health', 404],
    ['/events%2f..%2fhealth', 404],
    ['/%65vents', 200],
    ['/events;jsessionid=1', 404],
    ['/events;limit=1?limit=1', 404],
    ['/events/1-0%2f..%2fstats', 400],
    ['/events/1-0%00', 400],
    ['/events/%2e%2e/keys', 404],
    ['/EVENTS', 404],
    ['/events/%ff', 400],
    ['http://elsewhere/events', 200],
    ['http://elsewhere.example/events', 403],
    ['*', 400],
    ['**', 400],
    ['/events#stats', 400],
    [`/${'a/'.repeat(3_000)}`, 404],
    [`/groups/${'g'.repeat(600)}`, 414],
    [`/events/${'%31'.repeat(200)}`, 400]
  ])('%s is answered with %i, as what it says and nothing else', async (path, status) => {
    const [answer] = await sendRaw(url, rawRequest(`GET ${path}`))
    expect(answer?.status).toBe(status)
    if (status >= 400) {
      expect(answer?.head).toContain('application/problem+json')
      expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status })
    } else {
      expect(JSON.parse(answer?.body ?? '')).toEqual({ events: [], count: 0, position: '0-0' })
    }
  })

  test('an encoded slash is a part of a name: another group than the one before it', async () => {
    await post(`${url}/groups/a%2fb/pull`, {})
    const { body } = await get(`${url}/groups`)
    expect(body.groups.map(({ name }: { name: string }) => name)).toEqual(['a/b'])
  })
})

describe('what two servers on the way could read as two different requests', () => {
  const smuggled = `POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const head = (...headers: string[]) =>
    ['POST /events/replay HTTP/1.1', 'Host: a', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')

  test.each([
    [
      'Content-Length beside Transfer-Encoding',
      `${head('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`
    ],
    [
      'Transfer-Encoding beside Content-Length',
      `${head('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${smuggled}`
    ],
    ['two Content-Length that differ', `${head('Content-Length: 0', `Content-Length: ${smuggled.length}`)}${smuggled}`],
    ['two Content-Length that are the same', `${head('Content-Length: 0', 'Content-Length: 0')}${smuggled}`],
    ['a list of Content-Length', `${head('Content-Length: 0, 0')}${smuggled}`],
    ['a Content-Length with a sign', `${head('Content-Length: +0')}${smuggled}`],
    ['a Content-Length in hexadecimal', `${head('Content-Length: 0x0')}${smuggled}`],
    ['a Transfer-Encoding that is not the last', `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n${smuggled}`],
    ['an unknown Transfer-Encoding', `${head('Transfer-Encoding: xchunked')}0\r\n\r\n${smuggled}`],
    ['a Transfer-Encoding behind a blank', `${head('Transfer-Encoding : chunked')}0\r\n\r\n${smuggled}`],
    ['a folded header', `${head('X: 1', ' Content-Length: 0')}${smuggled}`],
    ['a bare LF behind a header', `${head('X: 1\nContent-Length: 0')}${smuggled}`],
    ['a bare CR in a header', `${head('X: 1\rContent-Length: 0')}${smuggled}`],
    ['a NUL in a header', `${head('X: 1\0', 'Content-Length: 0')}${smuggled}`],
    ['a chunk whose size is no number', `${head('Transfer-Encoding: chunked')}0x0\r\n\r\n${smuggled}`],
    ['a chunk with a bare LF', `${head('Transfer-Encoding: chunked')}0\n\n${smuggled}`],
    [
      'a chunk extension that never ends',
      `${head('Transfer-Encoding: chunked')}1;${'x'.repeat(20_000)}\r\n{\r\n0\r\n\r\n${smuggled}`
    ]
  ])('%s: refused, the connection closed, and what follows is no request', async (_what, bytes) => {
    const answers = await sendRaw(url, bytes)

    expect(answers.length).toBeLessThanOrEqual(2)
    expect(answers.at(-1)?.status ?? 400).toBeGreaterThanOrEqual(400)
    expect(answers.at(-1)?.status ?? 400).toBeLessThan(500)
    expect(await appended()).toBe(0)
  })

  test('a chunked body, with a small extension and a trailer, is a body like any other', async () => {
    const chunk = `${body.length.toString(16)};a=b\r\n${body}\r\n0\r\nX-Trailer: 1\r\n\r\n`
    const headers = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
    const [answer] = await sendRaw(url, rawRequest('POST /events', headers, chunk))
    expect(answer?.status).toBe(200)
    expect(await appended()).toBe(1)
  })

  test('requests one behind another on one connection are answered one by one', async () => {
    const answers = await sendRaw(url, smuggled + smuggled + rawRequest('GET /health'))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await appended()).toBe(2)
  })
})

describe('a method', () => {
  test.each([
    ['TRACE', /^HTTP\/1\.1 4/],
    ['PROPFIND', /^HTTP\/1\.1 4/],
    ['PATCH', /^HTTP\/1\.1 4/],
    ['OPTIONS', /^HTTP\/1\.1 4/],
    ['BREW', /^HTTP\/1\.1 400/]
  ])('%s is refused, and gives nothing of the request back', async (method, head) => {
    const [answer] = await sendRaw(url, rawRequest(`${method} /events`, ['X-Secret: s3cret']))
    expect(answer?.head).toMatch(head)
    expect(answer?.head).toContain('application/problem+json')
    expect(`${answer?.head}${answer?.body}`).not.toContain('s3cret')
  })

  test('CONNECT opens no tunnel', async () => {
    const answers = await sendRaw(url, `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n${rawRequest('GET /health')}`)
    expect(answers.filter(({ status }) => status < 400)).toEqual([])
  })

  test('X-HTTP-Method-Override changes nothing', async () => {
    const answer = await post(`${url}/events`, signal(), { 'x-http-method-override': 'DELETE' })
    expect(answer.status).toBe(200)
  })

  test('an Upgrade is answered as if nobody had asked for it', async () => {
    const [answer] = await sendRaw(
      url,
      rawRequest('GET /health', ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'])
    )
    expect(answer?.status).toBe(200)
  })
})
