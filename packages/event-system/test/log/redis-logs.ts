import { expect, onTestFinished } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisConfig, type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import type { AppendEntry, AppendResult, Delivery, Entry, Storage, WorkQueue } from '../../src/log/port.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'

let made = 0

/** A number that no other of the file has. */
export function unique(): number {
  return ++made
}

export function entry(payload = 'an event', eventType = 'trading_signal'): AppendEntry {
  return { eventId: `event-${unique()}`, eventType, payload }
}

/** A log that is closed after the test. */
export function newLog(options: RedisStorageOptions): RedisStorage {
  const storage = new RedisStorage(options)
  onTestFinished(() => storage.close({ timeoutMs: 100 }))
  return storage
}

export async function started(options: RedisStorageOptions): Promise<RedisStorage> {
  const storage = newLog(options)
  await storage.start()
  return storage
}

/** A server that ends with the test. */
export async function server(config: RedisConfig = {}): Promise<RedisServer> {
  const running = await startRedis(config)
  onTestFinished(() => running.stop())
  return running
}

/** A client past the log, until the end of the test. */
export async function clientOf({ url }: { readonly url: string }) {
  const client = redisClient(url)
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.destroy())
  return client
}

/** One command past the log, for what only a test does to a server. */
export async function command(url: string, ...args: string[]): Promise<unknown> {
  const client = redisClient(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}

/** What a call rejects with. */
export async function failure(call: Promise<unknown>): Promise<Error & { code: string; retryable: boolean }> {
  return call.then(
    () => expect.fail('was to reject'),
    (error) => error
  )
}

/** Until the log takes it, with the same event ids. */
export async function untilAppended(storage: Storage, entries: readonly AppendEntry[]): Promise<AppendResult[]> {
  return await waitFor(() => storage.log.append(entries), { what: 'the log taking events' })
}

export async function readAll(storage: Storage): Promise<Entry[]> {
  const page = await waitFor(() => storage.log.read({ limit: 10_000 }), {
    timeoutMs: 15_000,
    what: 'the log being read'
  })
  return [...page.entries]
}

/** Does it again and again, whatever fails. */
export async function untilFalse(goesOn: () => boolean, step: () => Promise<void>): Promise<void> {
  while (goesOn()) await step().catch(() => new Promise((resolve) => setTimeout(resolve, 20)))
}

/** Consumes, whatever fails, until it is told to stop, and notes what it has acknowledged. */
export function consumerOf(group: WorkQueue) {
  const acknowledged: (string | null)[] = []
  const take = async (deliveries: readonly Delivery[]) => {
    const lost = new Set(await group.acknowledge('one', deliveries))
    acknowledged.push(...deliveries.filter(({ messageId }) => !lost.has(messageId)).map(({ payload }) => payload))
  }
  let consumes = true
  const consuming = untilFalse(
    () => consumes,
    async () => {
      await take(await group.read('one', { limit: 50, waitMs: 100 }))
      await take(await group.claim('one', { minIdleMs: 500, limit: 50 }))
    }
  )
  return {
    acknowledged,
    /** Resolves when all that is in the log is acknowledged, and it has stopped. */
    async done(): Promise<void> {
      const isSettled = async () => {
        const { lag, pending } = await group.info()
        return lag === 0 && pending === 0
      }
      await waitFor(isSettled, { what: 'everything being acknowledged' })
      consumes = false
      await consuming
    }
  }
}
