import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventClient } from '@tradpal/event-client'
import { createEvent, Documents } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../../test/support/new-folder.ts'
import { SseReader } from '../support/sse-reader.ts'
import { get, LOGS, post } from '../support/test-service.ts'
import { newSigningKey, TokenIssuer } from '../support/token-issuer.ts'
import { tokenService } from '../support/token-service.ts'
import { guardedService, keyHeaders } from './support.ts'

const clock = { now: () => Date.now(), sleep: async () => {} }
const aSignal = (timestamp = new Date().toISOString()) =>
  createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'a_test', timestamp })
const bearing = (key: string) => ({ authorization: `Bearer ${key}` })

const untilEnded = (reader: SseReader) => waitFor(() => reader.ended, { what: 'the end of the stream' })

describe.each(LOGS)('of a revoked key, over %s,', (kind) => {
  test('an open stream ends, and says why in a comment; those of other keys go on', async () => {
    const { service, url } = await guardedService(kind)
    const keys = new ApiKeys(new Documents(service.system.storage), clock)
    const { key, apiKey } = await keys.create({ name: 'a', scopes: ['read:*'], by: 'a test' })
    const reader = await SseReader.open(`${url}/events/stream`, bearing(key))
    const other = await SseReader.open(`${url}/events/stream`, await keyHeaders(service, 'b', ['read:*']))
    let text = ''
    reader.response.on('data', (chunk) => {
      text += chunk
    })
    await keys.revoke(apiKey.id)
    await untilEnded(reader)
    expect(text).toContain(`: The API key ${apiKey.id} was revoked.\n\n`)
    expect(other.ended).toBe(false)
    await service.system.publishEvent(aSignal())
    await other.untilEvents(1)
    expect(reader.events).toEqual([])
  })

  test('a client that subscribes is told, and does not ask for ever', async () => {
    const { service, url } = await guardedService(kind)
    const keys = new ApiKeys(new Documents(service.system.storage), clock)
    const { key, apiKey } = await keys.create({ name: 'a', scopes: ['read:*'], by: 'a test' })
    const client = new EventClient({ url, apiKey: key })
    onTestFinished(() => client.close())
    const events = client.subscribe()[Symbol.asyncIterator]()
    let isOpen = false
    const first = events.next().then(() => {
      isOpen = true
    })
    await waitFor(
      async () => {
        await service.system.publishEvent(aSignal())
        return isOpen
      },
      { what: 'the first event' }
    )
    await first
    await keys.revoke(apiKey.id)
    const reading = (async () => {
      while (!(await events.next()).done);
    })()
    await expect(reading).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('a pull that waits, and a replay at a pace, are refused', async () => {
    const { service, url } = await guardedService(kind)
    const keys = new ApiKeys(new Documents(service.system.storage), clock)
    const { key, apiKey } = await keys.create({ name: 'a', scopes: ['read:*', 'consume:*', 'replay'], by: 'a test' })
    await service.system.publishEvent(aSignal())
    await waitFor(
      async () => {
        await service.system.publishEvent(aSignal())
        const { first, last } = await service.system.getEventStats()
        return first?.appendedAt !== last?.appendedAt
      },
      { what: 'an event of a later millisecond' }
    )
    const pull = post(`${url}/groups/desk/pull`, { wait_ms: 20_000 }, bearing(key))
    const replay = get(`${url}/events/replay?speed=0.00001`, {
      method: 'POST',
      headers: { ...bearing(key), accept: 'application/x-ndjson' }
    })
    await waitFor(async () => (await service.system.groups.list()).length === 1, { what: 'the pull' })
    await keys.revoke(apiKey.id)
    expect(await pull).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    const lines = (await replay).text.trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ code: 'unauthenticated' })
  })
})

test('when a token expires, a stream that it began ends, and counts as no attempt of its address', async () => {
  const key = await newSigningKey()
  const issuer = await TokenIssuer.start(key)
  const service = await tokenService({
    EVENT_JWT_JWKS_URL: issuer.jwksUrl,
    EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '1'
  })
  const token = await service.token(key)
  const readers = await Promise.all([1, 2, 3].map(() => SseReader.open(`${service.url}/events/stream`, bearing(token))))
  await service.clock.advance(600_000)
  for (const reader of readers) await untilEnded(reader)
  expect((await service.ask(await service.token(key))).status).toBe(200)
})

test('when the policy takes away what a stream shows, the stream ends; one that shows what may be read as before goes on', async () => {
  const policyFile = join(await newFolder(), 'policy.json')
  const write = async (principals: object) => {
    await writeFile(`${policyFile}.next`, JSON.stringify({ principals }))
    await rename(`${policyFile}.next`, policyFile)
  }
  await write({ a: { scopes: ['read:*'] }, b: { scopes: ['read:*'] } })
  const { service, url } = await guardedService('sqlite', { EVENT_POLICY_FILE: policyFile })
  const [ofA, ofB] = [await keyHeaders(service, 'a', []), await keyHeaders(service, 'b', [])]
  const all = await SseReader.open(`${url}/events/stream`, ofA)
  const signals = await SseReader.open(`${url}/events/stream?event_type=trading_signal`, ofA)
  const another = await SseReader.open(`${url}/events/stream`, ofB)
  await write({ a: { scopes: ['read:trading_signal'] }, b: { scopes: ['read:*'] } })
  await untilEnded(all)
  await service.system.publishEvent(aSignal())
  await signals.untilEvents(1)
  await another.untilEvents(1)
  expect([all.ended, signals.ended, another.ended]).toEqual([true, false, false])
})
