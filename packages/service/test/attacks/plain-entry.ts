import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { SseReader } from '../http/support/sse-reader.ts'
import { get, newLog, post, serviceOver, signal } from '../http/support/test-service.ts'

/**
 * A neighbour with access to Redis, but without the encryption keys, writes an order into the stream past the service. With
 * EVENT_REQUIRE_ENCRYPTION the order reaches no group that pulls, no query, no stream and no replay; it is a dead letter.
 */
export async function plainEntry(): Promise<void> {
  const environment = await newLog('redis')
  const keysFile = join(await newFolder(), 'keys.json')
  const keys = { a: randomBytes(32).toString('base64') }
  await writeFile(keysFile, JSON.stringify({ current: 'a', keys }), { mode: 0o600 })
  const { url } = await serviceOver('redis', {
    ...environment,
    EVENT_ENCRYPTION_KEYS_FILE: keysFile,
    EVENT_REQUIRE_ENCRYPTION: 'true'
  })
  const stream = await SseReader.open(`${url}/events/stream`)
  onTestFinished(() => stream.close())
  const neighbour = await redisClient(environment.REDIS_URL ?? '').connect()
  onTestFinished(() => neighbour.destroy())
  const forged = { ...signal('FORGED'), event_id: 'forged', timestamp: new Date().toISOString(), metadata: {} }
  const forgedId = await neighbour.xAdd(environment.EVENT_STREAM_NAME ?? '', '*', { event: JSON.stringify(forged) })
  expect((await post(`${url}/events`, signal('REAL'))).status).toBe(200)

  const symbolOf = ({ data }: { readonly data: { readonly symbol: string } }) => data.symbol
  expect((await get(`${url}/events`)).body.events.map(symbolOf)).toEqual(['REAL'])
  expect((await get(`${url}/events/${forgedId}`)).status).toBe(404)
  expect((await post(`${url}/events/replay`)).body.events_replayed).toBe(1)
  await waitFor(() => stream.frames.some(({ event }) => event === 'trading_signal'))
  expect(JSON.stringify(stream.frames)).not.toContain('FORGED')
  for (const group of ['executor', 'books']) {
    const { body } = await post(`${url}/groups/${group}/pull`, { from: 'start', max: 10 })
    expect(body.deliveries.map(({ event }: { event: Parameters<typeof symbolOf>[0] }) => symbolOf(event))).toEqual([
      'REAL'
    ])
    const letters = (await get(`${url}/dead-letters?group=${group}`)).body.dead_letters
    expect(letters).toMatchObject([{ message_id: forgedId, kind: 'poison' }])
    expect(letters[0].last_error.message).toMatch(/\(not_encrypted\)$/)
  }
  expect((await get(`${url}/metrics`)).text).toMatch(/^event_service_poison_entries_total 1$/m)
}
