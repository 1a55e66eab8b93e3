import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { newEventId } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { randomFrom } from '../../../../test/support/random.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { TcpProxy } from '../../../../test/support/tcp-proxy.ts'
import type { Delivery, Storage } from '../../src/log/port.ts'
import { type ConnectionChange, RedisStorage } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { command, entry, failure, newLog, server, started as startedLog } from './redis-logs.ts'

async function answers(storage: Storage): Promise<void> {
  const pong = () =>
    storage.ping().then(
      () => true,
      () => false
    )
  await expect.poll(pong, { timeout: 5_000 }).toBe(true)
}

async function timed<Result>(call: () => Promise<Result>): Promise<{ result: Result; ms: number }> {
  const before = performance.now()
  const result = await call()
  return { result, ms: performance.now() - before }
}

describe('a server that is killed', () => {
  test('and comes back with its data: the same log works again by itself, and nothing that was confirmed is gone', async () => {
    const redis = await server({ appendonly: 'yes', appendfsync: 'always' })
    const changes: ConnectionChange[] = []
    const storage = await startedLog({ url: redis.url, onConnectionChange: (change) => changes.push(change) })
    const group = storage.queue('group')
    await group.create('start')
    const before = [entry('1'), entry('2'), entry('3')]
    const confirmed = await storage.log.append(before)
    await group.read('one', { limit: 1, waitMs: 0 })
    const tail = storage.log.tail('start')[Symbol.asyncIterator]()
    await tail.next()

    await redis.kill()
    const error = await failure(storage.log.append([entry()]))
    expect(['log_unavailable', 'log_timeout']).toContain(error.code)
    for (let call = 0; call < 20; call += 1) {
      const { result, ms } = await timed(() => failure(storage.log.append([entry()])))
      expect(result).toMatchObject({ code: 'log_unavailable', retryable: true })
      expect(ms).toBeLessThan(2_000)
    }

    await redis.restart()
    await answers(storage)
    expect((await storage.log.read({ limit: 10 })).entries.map(({ messageId }) => messageId)).toEqual(
      confirmed.map((one) => one.messageId)
    )
    expect((await storage.log.append(before)).map(({ duplicate }) => duplicate)).toEqual([true, true, true])
    expect(await group.pending({ limit: 10 })).toMatchObject([{ consumer: 'one', deliveries: 1 }])
    expect(changes.map(({ connected }) => connected)).toEqual([false, true])
    expect(changes[0]?.reason).toMatchObject({ code: 'log_unavailable' })
  })

  test('while a reader waits: the reader is told or waits on, and wakes for what is appended after', async () => {
    const redis = await server({ appendonly: 'yes' })
    const storage = await startedLog({ url: redis.url })
    const group = storage.queue('group')
    await group.create('start')
    const read = async (): Promise<Delivery[]> => {
      try {
        return await group.read('one', { limit: 10, waitMs: 30_000 })
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^log_(unavailable|timeout)$/) })
        await answers(storage)
        return read()
      }
    }
    const reading = read()
    await redis.kill()
    await redis.restart()
    await answers(storage)
    await storage.log.append([entry('after')])
    const { result, ms } = await timed(() => reading)
    expect(result).toMatchObject([{ payload: 'after', attempt: 1 }])
    expect(ms).toBeLessThan(2_000)
  })

  test('in the middle of calls: each that resolved is in the log, and log_unavailable says that it is not', async () => {
    const redis = await server({ appendonly: 'yes', appendfsync: 'always' })
    const storage = await startedLog({ url: redis.url })
    const calls = Array.from({ length: 400 }, (_, index) => ({
      index,
      outcome: storage.log.append([entry(String(index))])
    }))
    const settled = Promise.allSettled(calls.map(({ outcome }) => outcome))
    await calls[20]?.outcome
    await redis.kill()
    const late = await Promise.allSettled(Array.from({ length: 20 }, () => storage.log.append([entry('late')])))
    await redis.restart()
    await answers(storage)
    const stored = new Set((await storage.log.read({ limit: 1_000 })).entries.map(({ payload }) => payload))
    for (const [index, outcome] of (await settled).entries()) {
      if (outcome.status === 'fulfilled') expect(stored).toContain(String(index))
      else if (outcome.reason.code === 'log_unavailable') expect(stored).not.toContain(String(index))
      else expect(outcome.reason.code).toBe('log_timeout')
    }
    expect(late.every(({ status }) => status === 'rejected')).toBe(true)
    expect(stored).not.toContain('late')
  })
})

describe('a server that is stopped and answers nothing', () => {
  test('lets every call reject with log_timeout in time, and the log works again when it goes on', async () => {
    const redis = await server()
    const changes: ConnectionChange[] = []
    const storage = await startedLog({
      url: redis.url,
      timeoutMs: 300,
      connectTimeoutMs: 300,
      onConnectionChange: (change) => changes.push(change)
    })
    const group = storage.queue('group')
    await group.create('start')
    redis.pause()
    const { result: errors, ms } = await timed(() =>
      Promise.all([
        failure(storage.log.append([entry()])),
        failure(storage.log.append([entry()], { timeoutMs: 100 })),
        failure(storage.log.read({ limit: 1 })),
        failure(storage.log.info()),
        failure(storage.ping()),
        failure(group.read('one', { limit: 1, waitMs: 60_000 }))
      ])
    )
    expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 6 }, () => 'log_timeout'))
    expect(ms).toBeLessThan(4_000)
    const next = await timed(() => failure(storage.log.append([entry()])))
    expect(next.result).toMatchObject({ code: 'log_unavailable' })
    expect(next.ms, 'a connection that was silent is given up').toBeLessThan(2_000)
    redis.resume()
    await answers(storage)
    await storage.log.append([entry()])
    expect(changes.map(({ connected }) => connected)).toEqual([false, true])
  })

  test('does not hold up a start, nor a close', async () => {
    const redis = await server()
    redis.pause()
    const storage = newLog({ url: redis.url, connectTimeoutMs: 200 })
    const start = await timed(() => failure(storage.start()))
    expect(start.result).toMatchObject({ code: 'log_unavailable' })
    expect(start.ms).toBeLessThan(4_000)
    const starting = failure(storage.start())
    expect((await timed(() => storage.close())).ms).toBeLessThan(2_000)
    expect(await starting).toMatchObject({ code: 'closed' })
  })

  test('lets a close go on after the time that it was given, and calls under way end', async () => {
    const redis = await server()
    const storage = await startedLog({ url: redis.url })
    redis.pause()
    const calls = [failure(storage.log.append([entry()])), failure(storage.log.read({ limit: 1 }))]
    expect((await timed(() => storage.close({ timeoutMs: 150 }))).ms).toBeLessThan(4_000)
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['log_timeout', 'closed'])
  })
})

describe('a start', () => {
  test('rejects with log_unavailable when nobody listens, and succeeds when called again later', async () => {
    const port = await freePort()
    const storage = newLog({ url: `redis://127.0.0.1:${port}`, connectTimeoutMs: 150 })
    const error = await failure(storage.start())
    expect(error).toMatchObject({ code: 'log_unavailable', retryable: true })
    expect(error.message).toContain(`127.0.0.1:${port}`)
    const redis = await startRedis({ port })
    onTestFinished(() => redis.stop())
    await storage.start()
    await Promise.all([storage.start(), storage.ping()])
  })

  test('keeps trying for connectTimeoutMs', async () => {
    const port = await freePort()
    const storage = newLog({ url: `redis://127.0.0.1:${port}`, connectTimeoutMs: 10_000 })
    const starting = storage.start()
    const redis = await startRedis({ port })
    onTestFinished(() => redis.stop())
    await starting
    await storage.ping()
  })

  test('rejects with log_unavailable when who listens is silent', async () => {
    const sockets = new Set<Socket>()
    const silent = createServer((socket) => sockets.add(socket.resume())).listen(0, '127.0.0.1')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    await expect.poll(() => silent.listening).toBe(true)
    const { port } = silent.address() as { port: number }
    const storage = newLog({ url: `redis://127.0.0.1:${port}`, connectTimeoutMs: 150 })
    expect(await failure(storage.start())).toMatchObject({ code: 'log_unavailable' })
    await expect.poll(() => [...sockets].every((socket) => socket.closed)).toBe(true)
  })

  test('rejects with log_refused without the right password, at once, and no message shows one', async () => {
    const redis = await server({ requirepass: 'the-right-secret' })
    const host = `127.0.0.1:${redis.port}`
    for (const url of [`redis://${host}`, `redis://:a-wrong-secret@${host}`, `redis://nobody:a-wrong-secret@${host}`]) {
      const storage = newLog({ url })
      const { result: error, ms } = await timed(() => failure(storage.start()))
      expect(error).toMatchObject({ code: 'log_refused', retryable: false })
      expect(ms).toBeLessThan(4_000)
      expect(inspect(error, { depth: 9 }) + storage.location).not.toContain('secret')
    }
    const storage = await startedLog({ url: `redis://:the-right-secret@${host}/3` })
    expect(storage.location).toBe(`redis://${host}/3 tradpal_events`)
    await storage.log.append([entry()])
  })

  test('rejects with log_incompatible when the key holds something else, and harms nothing', async () => {
    const redis = await server()
    await command(redis.url, 'SET', 'tradpal_events', 'a text')
    const error = await failure(newLog({ url: redis.url }).start())
    expect(error).toMatchObject({ code: 'log_incompatible' })
    expect(error.message).toContain('tradpal_events')
    expect(await command(redis.url, 'GET', 'tradpal_events')).toBe('a text')
  })

  test('is not needed to be told what is wrong with the options', () => {
    for (const url of ['', 'localhost:6379', 'http://localhost', 'redis://h/x', 'redis://:50%@h']) {
      expect(() => new RedisStorage({ url })).toThrowError(expect.objectContaining({ code: 'invalid_options' }))
    }
    const wrong = [{ timeoutMs: 0 }, { deduplicationWindowMs: -1 }, { connectTimeoutMs: 1.5 }, { streamName: '' }]
    for (const options of wrong) {
      expect(() => new RedisStorage(options)).toThrowError(expect.objectContaining({ code: 'invalid_options' }))
    }
  })
})

describe('a server that refuses', () => {
  test('a write because its memory is full: log_full, and nothing of the batch was written', async () => {
    const redis = await server()
    const storage = await startedLog({ url: redis.url })
    await storage.log.append([entry()])
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '1')
    const batch = Array.from({ length: 100 }, () => entry())
    expect(await failure(storage.log.append(batch))).toMatchObject({ code: 'log_full', retryable: true })
    expect((await storage.log.info()).length).toBe(1)
    expect((await storage.log.info()).deduplicationEntries).toBe(1)
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '0')
    expect((await storage.log.append(batch)).every(({ duplicate }) => !duplicate)).toBe(true)
  })

  test('a write because its memory is full, in the first append of a window too', async () => {
    const redis = await server()
    const storage = await startedLog({ url: redis.url })
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '1')
    expect(await failure(storage.log.append([entry()]))).toMatchObject({ code: 'log_full' })
    expect(await command(redis.url, 'DBSIZE')).toBe(0)
  })

  test('a write because it is a replica: log_read_only', async () => {
    const redis = await server()
    const storage = await startedLog({ url: redis.url })
    await command(redis.url, 'REPLICAOF', '127.0.0.1', String(await freePort()))
    expect(await failure(storage.log.append([entry()]))).toMatchObject({ code: 'log_read_only', retryable: false })
  })

  test('a command that the user may not: log_refused', async () => {
    const redis = await server()
    await command(redis.url, 'ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+@read', '+@connection', '+type')
    const storage = await startedLog({ url: `redis://reader:pw@127.0.0.1:${redis.port}` })
    expect((await storage.log.read({ limit: 1 })).entries).toEqual([])
    expect(await failure(storage.log.append([entry()]))).toMatchObject({ code: 'log_refused' })
  })

  test('a key that became something else meanwhile: log_incompatible, and no entry is lost', async () => {
    const redis = await server()
    const storage = await startedLog({ url: redis.url })
    await storage.log.append([entry()])
    const group = storage.queue('group')
    await group.create('start')
    const [delivery] = await group.read('one', { limit: 1, waitMs: 0 })
    const acknowledge = [{ group: 'group', consumer: 'one', messageId: delivery?.messageId ?? '', attempt: 1 }]
    const write = [{ collection: 'dead-letters', id: 'a', value: 'a letter' }]
    await command(redis.url, 'SET', 'tradpal_events:documents:dead-letters', 'a text')
    const unit = { acknowledge, append: { entries: [entry()] }, write }
    expect(await failure(storage.commit([unit]))).toMatchObject({ code: 'log_incompatible' })
    await command(redis.url, 'SET', 'tradpal_events:group:group:attachments', 'a text')
    for (const call of [
      () => group.acknowledge('one', delivery === undefined ? [] : [delivery]),
      () => group.claim('one', { minIdleMs: 0, limit: 1 })
    ]) {
      expect(await failure(call())).toMatchObject({ code: 'log_incompatible' })
    }
    await command(redis.url, 'DEL', 'tradpal_events:group:group:attachments')
    expect(await group.pending({ limit: 10 })).toHaveLength(1)
    expect((await storage.log.read({ limit: 10 })).entries).toHaveLength(1)
    await command(redis.url, 'SET', 'tradpal_events', 'a text')
    const calls = [
      () => storage.log.append([entry()]),
      () => storage.log.read({ limit: 1 }),
      () => storage.log.info(),
      () => storage.log.trim({ maxLength: 0 })
    ]
    for (const call of calls) {
      expect(await failure(call())).toMatchObject({ code: 'log_incompatible' })
    }
  })

  test('connections beyond its limit: a reader that gets no second one still reads', async () => {
    const redis = await server({ maxclients: '1' })
    const storage = await startedLog({ url: redis.url })
    await storage.queue('group').create('start')
    const reading = storage.queue('group').read('one', { limit: 1, waitMs: 5_000 })
    const { ms } = await timed(async () => {
      await storage.log.append([entry()])
      await reading
    })
    expect((await reading).length).toBe(1)
    expect(ms).toBeLessThan(2_000)
  })
})

test('a publisher that repeats each event until it is told where the event is: the log has each once, there, and in order', {
  timeout: 30_000
}, async () => {
  const random = randomFrom(20_261_127)
  const redis = await server()
  const proxy = await TcpProxy.before(Number(new URL(redis.url).port))
  onTestFinished(() => proxy.close())
  const storage = await startedLog({ url: `redis://127.0.0.1:${proxy.port}`, timeoutMs: 100 })
  const troubles = [() => proxy.delay(150), () => proxy.loseAnswers(), () => proxy.reset(), () => proxy.cutOff()]
  const told: { messageId: string; payload: string }[] = []
  let troubled = true
  const publishing = (async () => {
    while (troubled) {
      const eventId = newEventId()
      const one = { eventId, eventType: 'trading_signal', payload: JSON.stringify({ event_id: eventId }) }
      const append = async () => (await storage.log.append([one]))[0]
      const { messageId } = await waitFor(append, { what: `an answer about ${eventId}` })
      told.push({ messageId, payload: one.payload })
    }
  })()
  for (let i = 0; i < 20; i++) {
    await sleep(50 + random() * 50)
    troubles[Math.floor(random() * troubles.length)]?.()
    await sleep(random() * 200)
    proxy.mend()
  }
  troubled = false
  await publishing
  const other = await startedLog({ url: redis.url })
  const stored = (await other.log.read({ limit: 100_000 })).entries
  expect(stored.map(({ messageId, payload }) => ({ messageId, payload }))).toEqual(told)
  expect(told.length).toBeGreaterThan(20)
})
