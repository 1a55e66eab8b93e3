import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { rawRequest, sendRaw } from '../support/raw-request.ts'
import { post, serviceOver, signal } from '../support/test-service.ts'

const FORGED = 'x\r\n{"level":50,"msg":"forged"}\u2028\u0085\u001b[31m'

test('what a caller sends cannot make a line of the log, wherever it stands', async () => {
  let text = ''
  const logger = pino(
    { level: 'debug' },
    new Writable({
      write(bytes, _encoding, done) {
        text += bytes
        done()
      }
    })
  )
  const { url } = await serviceOver('sqlite', {}, { logger })
  const encoded = encodeURIComponent(FORGED)

  await post(`${url}/events`, { ...signal(), source: FORGED })
  await post(`${url}/events`, { event_type: FORGED })
  await post(`${url}/events?${encoded}=${encoded}`, signal())
  await post(`${url}/events`, signal(), { 'x-forwarded-for': 'x {"level":50,"msg":"forged"}' })
  await post(`${url}/dead-letters/${encoded}/discard`, { by: FORGED, reason: FORGED })
  await sendRaw(url, rawRequest(`GET /events/${encoded}`, ['X-Forwarded-For: a\tb']))

  const lines = text.split('\n').filter((line) => line !== '')
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) {
    const record = JSON.parse(line)
    expect(record.msg).not.toBe('forged')
    expect(record.level).toBeLessThan(50)
    expect(line).not.toContain('\u001b')
  }
})

test('a refusal of MiB of text is a short line of the log', async () => {
  let longest = 0
  const logger = pino(
    { level: 'info' },
    new Writable({
      write(bytes, _encoding, done) {
        longest = Math.max(longest, bytes.length)
        done()
      }
    })
  )
  const { url } = await serviceOver('sqlite', {}, { logger })
  await post(`${url}/events`, `{"event_type":"system_health","data":{"${'k'.repeat(900_000)}":9007199254740993.5}}`)
  await post(`${url}/events`, `${'['.repeat(400_000)}9007199254740993${']'.repeat(400_000)}`)

  expect(longest).toBeGreaterThan(100)
  expect(longest).toBeLessThan(16_000)
})
