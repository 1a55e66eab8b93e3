import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { drained } from '../http/lasting-answers.ts'
import { fetchInto } from './fetch-into.ts'

const CHUNK = 'x'.repeat(65_536)

/** An app whose answer has no end, and how it goes on. */
async function endless() {
  const state = { written: 0, closed: false, isHeldUp: Promise.withResolvers<void>(), keptBytes: () => 0 }
  const app = fastify()
  onTestFinished(() => app.close())
  app.get('/endless', async (_request, reply) => {
    reply.hijack()
    const response = reply.raw.writeHead(200, { 'content-type': 'text/plain' })
    state.keptBytes = () => response.socket?.writableLength ?? 0
    const gone = new AbortController()
    response.on('close', () => {
      state.closed = true
      gone.abort()
    })
    while (!state.closed) {
      state.written += CHUNK.length
      if (response.write(CHUNK)) continue
      if (response.writableNeedDrain) state.isHeldUp.resolve()
      await drained(response, gone.signal)
    }
  })
  app.get('/silent', () => new Promise(() => {}))
  app.route({
    method: ['POST', 'DELETE'],
    url: '/echo',
    handler: async ({ body }, reply) => reply.code(409).header('x-answer', 'yes').send(body)
  })
  await app.ready()
  return { state, fetch: fetchInto(app.server) }
}

const URL_OF = 'http://localhost'

test.each(['POST', 'DELETE'])(
  'a request with %s and a body has its answer: the status, the headers and the body',
  async (method) => {
    const { fetch } = await endless()
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${URL_OF}/echo?a=1`, { method, headers, body: '{"a":"é"}' })
    expect({ status: answer.status, ok: answer.ok, header: answer.headers.get('x-answer') }).toEqual({
      status: 409,
      ok: false,
      header: 'yes'
    })
    expect(await answer.text()).toBe('{"a":"é"}')
  }
)

test('an answer that is not read is held up, goes on when it is read, and is kept nowhere', async () => {
  const { state, fetch } = await endless()
  const abort = new AbortController()
  const answer = await fetch(`${URL_OF}/endless`, { signal: abort.signal })
  await state.isHeldUp.promise
  expect(state.written).toBeLessThanOrEqual(8 * CHUNK.length)
  const reader = answer.body?.getReader()
  let read = 0
  while (read < 100 * CHUNK.length) read += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY
  expect(state.written).toBeGreaterThanOrEqual(read)
  expect(state.written - read).toBeLessThanOrEqual(8 * CHUNK.length)
  expect(state.keptBytes()).toBeLessThanOrEqual(8 * CHUNK.length)
  abort.abort()
  const rest = async () => {
    while (!(await reader?.read())?.done);
  }
  await expect(rest()).rejects.toThrow('aborted')
  expect(state.closed).toBe(true)
})

test('an abort before the answer begins rejects with the reason of the signal', async () => {
  const { fetch } = await endless()
  const abort = new AbortController()
  const answering = fetch(`${URL_OF}/silent`, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(answering).rejects.toThrow('enough')
  await expect(fetch(`${URL_OF}/silent`, { signal: abort.signal })).rejects.toThrow('enough')
})
