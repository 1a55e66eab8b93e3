import { once } from 'node:events'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { cpuTimeMs } from '../../../../../test/support/cpu-time.ts'
import { connectTo, rawRequest, sendRaw } from '../support/raw-request.ts'
import { get, LOGS, post, serviceOver, signal } from '../support/test-service.ts'

const MIB = 1_048_576
const json = { 'content-type': 'application/json' }

const wide = `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`
const repeated = (levels: number): string =>
  levels === 0
    ? '"lol"'
    : `[${Array(10)
        .fill(repeated(levels - 1))
        .join(',')}]`

describe('bodies of many MiB that are made to cost much', () => {
  test.each<[what: string, body: string, status: number, code: string | undefined]>([
    ['10 MiB of nested arrays', '['.repeat(5 * MIB) + ']'.repeat(5 * MIB), 400, 'invalid_event'],
    ['10 MiB of arrays that never end', '['.repeat(10 * MIB), 400, 'invalid_json'],
    [
      'an event whose data nests for 10 MiB',
      `{"event_type":"system_health","data":${'{"a":'.repeat(2 * MIB)}1${'}'.repeat(2 * MIB)}}`,
      400,
      'not_representable'
    ],
    [
      'a number beyond a double at the bottom of 1 MiB of arrays',
      `${'['.repeat(MIB / 2)}9007199254740993${']'.repeat(MIB / 2)}`,
      400,
      'not_representable'
    ],
    ['100,000 keys', `{"event_type":"system_health","data":${wide}}`, 413, 'payload_too_large'],
    ['a million laughs', `{"event_type":"system_health","data":{"laughs":${repeated(6)}}}`, 413, 'payload_too_large'],
    ['5 MiB of digits', `{"event_type":"system_health","data":{"n":${'9'.repeat(5 * MIB)}}}`, 400, 'not_representable'],
    [
      '5 MiB of digits in a text',
      `{"event_type":"system_health","data":{"n":"${'9'.repeat(5 * MIB)}"}}`,
      413,
      'payload_too_large'
    ],
    [
      'a key of 5 MiB',
      `{"event_type":"system_health","data":{"${'k'.repeat(5 * MIB)}":9007199254740993.5}}`,
      400,
      'not_representable'
    ],
    ['a type of 5 MiB', `{"event_type":"${'t'.repeat(5 * MIB)}"}`, 400, 'unknown_event_type']
  ])('%s: refused soon, with a short sentence', async (_what, body, status, code) => {
    const { url } = await serviceOver('sqlite', { EVENT_MAX_BODY_BYTES: String(20 * MIB) })
    const startedAt = cpuTimeMs()

    const answer = await post(`${url}/events`, body, json)

    expect(cpuTimeMs() - startedAt).toBeLessThan(5_000)
    expect(answer).toMatchObject({ status, body: { code } })
    expect(answer.text.length).toBeLessThan(8_000)
    expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
  })

  test('beyond EVENT_MAX_BODY_BYTES nothing is read', async () => {
    const { url } = await serviceOver()
    const answer = await post(`${url}/events`, '['.repeat(10 * MIB), json).catch(() => undefined)
    // A client that is still sending may be cut off before it reads why.
    expect([undefined, 413]).toContain(answer?.status)
    const declared = await sendRaw(
      url,
      rawRequest('POST /events', ['Content-Type: application/json', 'Content-Length: 99999999'])
    )
    expect(declared.map(({ status }) => status)).toEqual([413])
  })
})

describe.each(LOGS)('keys that mean something to JavaScript, over %s', (kind) => {
  test('an event with them comes back as it was, and no object has changed', async () => {
    const { url } = await serviceOver(kind)
    const hostile =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":"x","hasOwnProperty":null}'
    const before = Object.getOwnPropertyNames(Object.prototype)
    const text = `{"event_type":"system_health","__proto__":{"event_type":"risk_alert"},"data":${hostile},"metadata":${hostile}}`

    const { body } = await post(`${url}/events`, text)
    const read = await get(`${url}/events/${body.message_id}`)
    const pulled = await post(`${url}/groups/g/pull`, '{"from":"start","__proto__":{"max":0}}', json)

    expect(read.status).toBe(200)
    expect(read.text).toContain(`"data":${hostile}`)
    expect(read.text).toContain(`"metadata":${hostile}`)
    expect(read.body.event_type).toBe('system_health')
    expect([200, 400]).toContain(pulled.status)
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

test.each(['__proto__', 'constructor', '__proto__[limit]', 'constructor.prototype'])(
  'a query parameter %s is refused as any other that is not known',
  async (name) => {
    const { url } = await serviceOver()
    const answer = await get(`${url}/events?${name}=1`)
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', detail: expect.stringContaining(JSON.stringify(name)) }
    })
    expect((await get(`${url}/events`)).status).toBe(200)
  }
)

test.each([
  ['gzip', gzipSync],
  ['br', brotliCompressSync]
])('a body compressed with %s is refused, and never unpacked', async (encoding, compress) => {
  const { url } = await serviceOver()
  const headers = { ...json, 'content-encoding': encoding }
  const answer = await get(`${url}/events`, { method: 'POST', headers, body: compress(JSON.stringify(signal())) })
  expect(answer).toMatchObject({
    status: 415,
    body: { code: 'unsupported_media_type', detail: expect.stringMatching(new RegExp(`compressed.*${encoding}`)) }
  })
  const plain = await get(`${url}/events`, {
    method: 'POST',
    headers: { ...headers, 'content-encoding': 'identity' },
    body: JSON.stringify(signal())
  })
  expect(plain.status).toBe(200)
})

test.each([
  ['application/json; charset=utf-16', 'utf-8 all the same', [200]],
  ['application/json\t; x="y"', 'parameters', [200, 415]],
  ['APPLICATION/JSON', 'upper case', [200]],
  ['application/json, text/plain', 'two types', [415]],
  ['application/json+evil', 'a type that begins so', [415]],
  ['multipart/form-data; boundary=x', 'a form', [415]],
  ['__proto__', 'no type', [415]],
  [`application/json;${'a=b;'.repeat(3_000)}`, 'thousands of parameters', [200, 415]]
])('a content type %s (%s)', async (type, _what, statuses) => {
  const { url } = await serviceOver()
  const answer = await post(`${url}/events`, JSON.stringify(signal()), { 'content-type': type })
  expect(statuses).toContain(answer.status)
})

test.each([
  'application/x-ndjson;q=abc',
  '*/*',
  'text/html,'.repeat(1_000),
  'text/event-stream; __proto__=1',
  ';;;,,,'
])('an Accept of %s fails nothing', async (accept) => {
  const { url } = await serviceOver()
  for (const path of ['/', '/events', '/events/stats', '/metrics', '/health']) {
    expect((await get(`${url}${path}`, { headers: { accept } })).status).toBe(200)
  }
  expect((await get(`${url}/events/replay`, { method: 'POST', headers: { accept } })).status).toBe(200)
})

test('Expect: 100-continue is answered, and what nobody waits for sends no body', async () => {
  const { url } = await serviceOver()
  const body = JSON.stringify(signal())
  const socket = await connectTo(url)
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes
  })
  socket.write(
    `POST /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  )
  await once(socket, 'data')
  expect(text).toMatch(/^HTTP\/1\.1 100 Continue/)
  socket.write(body)
  await once(socket, 'close')
  expect(text).toMatch(/HTTP\/1\.1 200 OK/)
  const unknown = await sendRaw(url, rawRequest('POST /events', ['Expect: 200-ok', 'Content-Length: 0']))
  expect(unknown[0]?.status).toBe(417)
})
