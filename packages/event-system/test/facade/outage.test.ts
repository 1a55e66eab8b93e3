import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { EventSystem } from '../../src/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signals } from '../support/events.ts'

async function spoolPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-facade-outage-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'spool.db')
}

test('a system with a spool starts while Redis is away, and what it publishes is in the log when that is there', async () => {
  const port = await freePort()
  const environment = { REDIS_URL: `redis://127.0.0.1:${port}`, EVENT_SPOOL_PATH: await spoolPath() }
  await using system = new EventSystem({ environment })
  await system.initialize()
  const events = signals(5)
  for (const event of events) expect(await system.publish(event)).toMatchObject({ status: 'spooled' })
  expect(await system.healthCheck()).toMatchObject({ status: 'degraded', log: { reachable: false } })
  await expect(system.getEvents()).rejects.toMatchObject({ code: 'log_unavailable' })
  const redis = await startRedis({ port })
  onTestFinished(() => redis.stop())
  await waitFor(async () => (await system.healthCheck()).status === 'healthy')
  expect((await system.getEvents()).map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId))
  expect((await system.getEventStats()).spool).toMatchObject({ events: 0, drained: 5 })
})

test('without a spool it does not start, and with one it does not when the log refuses it', async () => {
  const port = await freePort()
  const away = new EventSystem({ environment: { REDIS_URL: `redis://127.0.0.1:${port}` } })
  await expect(away.initialize()).rejects.toMatchObject({ code: 'log_unavailable' })
  await away.close()
  const redis = await startRedis({ requirepass: 'secret' })
  onTestFinished(() => redis.stop())
  const refused = new EventSystem({ environment: { REDIS_URL: redis.url, EVENT_SPOOL_PATH: await spoolPath() } })
  await expect(refused.initialize()).rejects.toMatchObject({ code: 'log_refused' })
  await refused.close()
})

test('a system that is closed while it waits for its log keeps what is in the spool', async () => {
  const path = await spoolPath()
  const port = await freePort()
  const environment = { REDIS_URL: `redis://127.0.0.1:${port}`, EVENT_SPOOL_PATH: path }
  const system = new EventSystem({ environment })
  await system.initialize()
  const events = signals(3)
  for (const event of events) await system.publish(event)
  await system.close()
  const redis = await startRedis({ port })
  onTestFinished(() => redis.stop())
  await using next = new EventSystem({ environment })
  await next.initialize()
  await waitFor(async () => (await next.getEventStats()).spool?.events === 0)
  expect((await next.getEvents()).map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId))
})
