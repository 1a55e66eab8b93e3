import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { TcpProxy } from '../../../../test/support/tcp-proxy.ts'
import { EventSystem } from '../../src/event-system.ts'
import type { Logger } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'

let server: RedisServer
beforeEach(async () => {
  server = await startRedis({ 'repl-diskless-sync-delay': '0' })
})
afterEach(() => server.stop())

async function command(redis: Pick<RedisServer, 'url'>, ...args: string[]): Promise<unknown> {
  const client = await redisClient(redis.url).connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}

/** A system that consumes in the group `desk` and notes the prices that it handles, and what it complains of. */
async function consuming(url: string, ordering: 'none' | 'key', partitioning: 'none' | 'type') {
  const errors: string[] = []
  const nothing = () => {}
  const error = (_: object, message: string) => void errors.push(message)
  const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error, child: () => logger }
  const system = new EventSystem({ redisUrl: url, partitioning, environment: {}, timeoutMs: 1_000, logger })
  onTestFinished(async () => void (await system.close({ timeoutMs: 100 })))
  await system.initialize()
  const seen: number[] = []
  system.registerHandler('trading_signal', ({ data }) => void seen.push(data.price ?? 0))
  const soon = ordering === 'key' ? { leaseMs: 500 } : { claimAfterMs: 500 }
  await system.startConsuming({ group: 'desk', from: 'start', ordering, ...soon })
  return { system, seen, errors }
}

const isSettled = async (system: EventSystem) => {
  const { pending, lag } = await system.groups.get('desk')
  return pending === 0 && lag === 0
}

describe.each([
  ['none', 'none'],
  ['key', 'none'],
  ['none', 'type']
] as const)(
  "a Redis that forgets, under a consumer with ordering '%s' and partitioning '%s'",
  (ordering, partitioning) => {
    test('everything, by FLUSHALL: what is published from then on is handled, and the loss is logged as an error', async () => {
      const { system, seen, errors } = await consuming(server.url, ordering, partitioning)
      await system.publishBatch(signals(3))
      await waitFor(() => seen.length === 3)
      await command(server, 'FLUSHALL')
      await system.publishBatch([signal('AAPL', 3), signal('AAPL', 4)])
      await waitFor(() => seen.length >= 5)
      await waitFor(() => isSettled(system))
      expect(seen).toEqual([0, 1, 2, 3, 4])
      expect(errors).toEqual(['the consumer group was gone and has been made again, where it stood'])
    })

    test('the last second, in a failover to a replica without it: what is there is handled again at most, what comes then is handled', async () => {
      const proxy = await TcpProxy.before(server.port)
      onTestFinished(() => proxy.close())
      const { system, seen, errors } = await consuming(`redis://127.0.0.1:${proxy.port}`, ordering, partitioning)
      await system.publishBatch(signals(20))
      await waitFor(() => isSettled(system))
      const replica = await startRedis()
      onTestFinished(() => replica.stop())
      await command(replica, 'REPLICAOF', '127.0.0.1', String(server.port))
      const status = async () => String(await command(replica, 'INFO', 'replication'))
      await waitFor(async () => (await status()).includes('master_link_status:up'))
      // The replica stops following before the last events, and before what was done with them.
      await command(replica, 'REPLICAOF', '127.0.0.1', String(await freePort()))
      await system.publishBatch(Array.from({ length: 5 }, (_, i) => signal('AAPL', 20 + i)))
      await waitFor(() => seen.length === 25)
      await command(replica, 'REPLICAOF', 'NO', 'ONE')
      proxy.redirect(replica.port)
      const later = Array.from({ length: 5 }, (_, i) => signal('AAPL', 30 + i))
      await waitFor(() => system.publishBatch(later))
      await waitFor(() => seen.at(-1) === 34)
      await waitFor(() => isSettled(system))
      expect(seen).toEqual([...Array(25).keys(), 30, 31, 32, 33, 34])
      expect(errors).toEqual([])
    })

    test('its groups, in a failover to a replica from before there were any: the group is made again where it stood, and said to be', async () => {
      const proxy = await TcpProxy.before(server.port)
      onTestFinished(() => proxy.close())
      const { system, seen, errors } = await consuming(`redis://127.0.0.1:${proxy.port}`, ordering, partitioning)
      await system.publishBatch(signals(3))
      await waitFor(() => isSettled(system))
      const replica = await startRedis()
      onTestFinished(() => replica.stop())
      proxy.redirect(replica.port)
      await waitFor(() => system.publishBatch([signal('AAPL', 3), signal('AAPL', 4)]))
      await waitFor(() => seen.at(-1) === 4)
      await waitFor(() => isSettled(system))
      expect(seen).toEqual([0, 1, 2, 3, 4])
      expect(errors).toEqual(['the consumer group was gone and has been made again, where it stood'])
    })
  }
)

test('a user with the permissions of the documentation consumes both ways, fails, dies and is looked after', async () => {
  const page = await readFile(new URL('../../../../docs/logs.md', import.meta.url), 'utf8')
  const [, line = ''] = /^ACL (SETUSER events [^`]+)/m.exec(page) ?? []
  await command(server, 'ACL', ...line.trim().split(/\s+/))
  const url = `redis://events:password@127.0.0.1:${server.port}`
  const seen: string[] = []
  await using system = new EventSystem({
    redisUrl: url,
    environment: {}
  })
  await system.initialize()
  system.registerHandler(
    'trading_signal',
    async ({ data }, context) => {
      if (data.symbol === 'BAD') throw new Error('No.')
      await context.once('step', () => 1)
      context.publish(signal('EFFECT'))
      seen.push(`${context.group} ${data.symbol}`)
    },
    { maxAttempts: 2, backoff: { initialMs: 1, maxMs: 1 }, idempotent: true }
  )
  await system.publishBatch([signal('GOOD'), signal('BAD')])
  for (const [group, ordering] of [
    ['shared', 'none'],
    ['ordered', 'key']
  ] as const) {
    const consumer = await system.startConsuming({ group, ordering, from: 'start' })
    await waitFor(async () => (await system.deadLetters.list({ group })).length === 1)
    await waitFor(() => seen.includes(`${group} GOOD`))
    await consumer.close()
    const [letter] = await system.deadLetters.list({ group })
    await system.deadLetters.requeue(letter?.id ?? '', { by: 'test' })
    await system.groups.seek(group, 'start')
    await system.groups.remove(group, { force: true })
  }
  const [pulled] = await system.puller.pull({ group: 'pulled', from: 'start', max: 1 })
  expect(await system.puller.nack('pulled', [pulled?.deliveryId ?? ''], { reason: 'No.' })).toEqual({
    dead: [],
    lost: []
  })
  expect(await system.retention.enforce({ policy: { maxLength: 0 }, force: true })).toMatchObject({ guarded: false })
  expect((await system.healthCheck()).status).toBe('healthy')
})
