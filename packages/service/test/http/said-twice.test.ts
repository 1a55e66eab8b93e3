import { once } from 'node:events'
import { connect } from 'node:tls'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { http2Client } from '../tls/support/http2-client.ts'
import { END_HEADERS, END_STREAM, frame, HEADERS, headerBlock, PREFACE, SETTINGS } from '../tls/support/http2-frames.ts'
import { ofHouse, secureService } from '../tls/support/secure-service.ts'
import { sendRaw } from './support/raw-request.ts'
import { get, post, serviceOver } from './support/test-service.ts'

const house = ofHouse()

test('every endpoint that takes JSON refuses an object with a member twice, and says which', async () => {
  const { url } = await serviceOver()
  const { paths } = (await get(`${url}/openapi.json`)).body
  const taking = Object.entries(paths as Record<string, Record<string, { requestBody?: object }>>).flatMap(
    ([path, item]) =>
      Object.entries(item).flatMap(([method, { requestBody }]) =>
        requestBody === undefined ? [] : [{ method: method.toUpperCase(), path }]
      )
  )
  expect(taking.length).toBeGreaterThan(10)

  for (const { method, path } of taking) {
    const isBatch = path === '/events/batch'
    const answer = await get(`${url}${path.replaceAll(/\{\w+\}/g, 'x')}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: isBatch ? '[{"a":{"b":1,"b":2}}]' : '{"a":{"b":1,"b":2}}'
    })
    expect({ method, path, status: answer.status, ...answer.body }).toMatchObject({
      method,
      path,
      status: 400,
      code: 'invalid_json',
      pointer: isBatch ? '/0/a/b' : '/a/b'
    })
  }
})

test('lines with a member twice are refused as one, with the line, and nothing is published', async () => {
  const { url } = await serviceOver()
  const line = '{"event_type":"system_health","data":{"a":1}}'
  const answer = await post(`${url}/events/batch`, `${line}\n${line.replace('"a":1', '"a":1,"a":2')}\n`, {
    'content-type': 'application/x-ndjson'
  })

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_json', index: 1, pointer: '/data/a' } })
  expect(answer.body.detail).toMatch(/line 2.*data\.a is given more than once/)
  expect((await get(`${url}/events/stats`)).body.stream_length).toBe(0)
})

test.each([
  ['two that differ', 'Host: a\r\nHost: b'],
  ['two that are the same', 'Host: a\r\nHost: a'],
  ['two in other letters', 'Host: a\r\nhOST: b']
])('a request with two Host headers is refused, and says so: %s', async (_what, headers) => {
  const { url } = await serviceOver()
  const [answer] = await sendRaw(url, `GET /events HTTP/1.1\r\nConnection: close\r\n${headers}\r\n\r\n`)

  expect(answer?.status).toBe(400)
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({
    code: 'invalid_argument',
    detail: expect.stringMatching(/^A request has one Host header, got "a" and "[ab]"/)
  })
})

test('by HTTP/2 a Host header must be what :authority says', async () => {
  const { url } = await secureService(house.server)
  const client = http2Client(url, { ca: house.ca })
  const ask = (host: string) => client.ask('GET', '/events', { headers: { ':authority': 'a:1', host } })

  expect(await ask('A:1')).toMatchObject({ status: 200 })
  expect(await ask('b')).toMatchObject({ status: 400, text: expect.stringContaining('must be the same as :authority') })
})

test('by HTTP/2 a request with two Host headers is refused', async () => {
  const { url } = await secureService(house.server)
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', ca: house.ca, ALPNProtocols: ['h2'] })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  const head = headerBlock([
    [':method', 'GET'],
    [':path', '/events'],
    [':scheme', 'https'],
    ['host', 'a'],
    ['host', 'b']
  ])
  let bytes = Buffer.alloc(0)
  socket.on('data', (part) => {
    bytes = Buffer.concat([bytes, part])
  })
  socket.write(
    Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS), frame(HEADERS, END_HEADERS | END_STREAM, 1, head)])
  )

  // RST_STREAM of stream 1, or an end of the connection, and no answer.
  await waitFor(() => framesIn(bytes).some(({ type, streamId }) => (type === 3 && streamId === 1) || type === 7))
  expect(framesIn(bytes).some(({ type, streamId }) => type === HEADERS && streamId === 1)).toBe(false)
})

function framesIn(bytes: Buffer): { type: number; streamId: number }[] {
  const frames: { type: number; streamId: number }[] = []
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    frames.push({ type: bytes[at + 3] as number, streamId: bytes.readUInt32BE(at + 5) })
  }
  return frames
}
