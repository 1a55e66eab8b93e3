import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Authority, type Certificate, Certificates } from '../../../../test/support/certificates.ts'
import { freePort } from '../../../../test/support/free-port.ts'
import { type RedisConfig, type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import type { RedisStorage, RedisStorageOptions } from '../../src/log/redis/index.ts'
import { redisHarness } from './redis-harness.ts'
import { command, entry, failure, newLog as newRedisLog, unique } from './redis-logs.ts'
import { testSmoke } from './redis-smoke.ts'

const newLog = (options: RedisStorageOptions) => newRedisLog({ connectTimeoutMs: 1_000, ...options })

/** That a log which is reached so takes events and hands them out. */
async function works(options: RedisStorageOptions): Promise<RedisStorage> {
  const storage = newLog({ streamName: `access_${unique()}`, ...options })
  await storage.start()
  await storage.log.append([entry('taken')])
  const group = storage.queue('group')
  await group.create('start')
  expect(await group.read('one', { limit: 1, waitMs: 5_000 })).toMatchObject([{ payload: 'taken' }])
  return storage
}

async function refusal(options: RedisStorageOptions): Promise<Error & { code: string }> {
  return failure(newLog(options).start())
}

describe('a Redis that is reached by TLS', () => {
  let certificates: Certificates
  let [authority, stranger]: Authority[] = []
  let client: Certificate
  let server: RedisServer
  let port: number

  beforeAll(async () => {
    certificates = await Certificates.make()
    authority = await certificates.newAuthority()
    stranger = await certificates.newAuthority()
    client = await authority.issue('client')
    ;({ server, port } = await startTls(await authority.issue('127.0.0.1'), authority))
  })
  afterAll(async () => {
    await server.stop()
    await certificates.remove()
  })

  /** It wants client certificates of an authority when there is one. */
  async function startTls({ certFile, keyFile }: Certificate, clientsOf?: Authority, config: RedisConfig = {}) {
    const port = await freePort()
    const server = await startRedis({
      'tls-port': String(port),
      'tls-cert-file': certFile,
      'tls-key-file': keyFile,
      'tls-ca-cert-file': clientsOf?.caFile ?? certFile,
      'tls-auth-clients': clientsOf === undefined ? 'no' : 'yes',
      ...config
    })
    return { server, port }
  }

  const ca = () => authority?.caFile as string
  const mutual = () => ({ caFile: ca(), ...client })
  const url = (at = port) => `rediss://127.0.0.1:${at}`

  test('with client certificates works', async () => {
    const storage = await works({ url: url(), tls: mutual() })
    expect(storage.location).toBe(`${url()} ${storage.location.split(' ')[1]}`)
  })

  test.each<[string, () => RedisStorageOptions['tls'], RegExp]>([
    ['without an authority to trust', () => client, /of no authority that is trusted here.*EVENT_REDIS_TLS_CA_FILE/],
    [
      'with another authority',
      () => ({ ...client, caFile: stranger?.caFile ?? '' }),
      /of no authority that is trusted/
    ],
    ['without a client certificate', () => ({ caFile: ca() }), /wants a client certificate.*EVENT_REDIS_TLS_CERT_FILE/],
    ['under another name', () => ({ ...mutual(), serverName: 'redis.example' }), /is for another name.*redis\.example/]
  ])('is refused %s', async (_, tls, sentence) => {
    const before = performance.now()
    const error = await refusal({ url: url(), tls: tls() ?? {} })
    expect(error).toMatchObject({ code: 'log_refused', retryable: false, message: expect.stringMatching(sentence) })
    expect(performance.now() - before).toBeLessThan(15_000)
  })

  test('is refused with a client certificate of an authority that the server does not trust', async () => {
    const theirs = await stranger?.issue('client')
    const error = await refusal({ url: url(), tls: { caFile: ca(), ...theirs } })
    expect(error).toMatchObject({
      code: 'log_refused',
      message: expect.stringMatching(/refused the client certificate/)
    })
  })

  test('is refused when its certificate has expired', async () => {
    const old = await startTls((await authority?.issue('127.0.0.1', { expired: true })) as Certificate)
    onTestFinished(() => old.server.stop())
    const error = await refusal({ url: url(old.port), tls: { caFile: ca() } })
    expect(error).toMatchObject({ code: 'log_refused', message: expect.stringMatching(/has expired/) })
  })

  test('may have a certificate for another name, when that is said', async () => {
    const named = await startTls((await authority?.issue('redis.example')) as Certificate)
    onTestFinished(() => named.server.stop())
    const error = await refusal({ url: url(named.port), tls: { caFile: ca() } })
    expect(error).toMatchObject({ code: 'log_refused', message: expect.stringMatching(/for another name/) })
    await works({ url: url(named.port), tls: { caFile: ca(), serverName: 'redis.example' } })
  })

  test('is not there where it speaks no TLS', async () => {
    const error = await refusal({ url: url(server.port), tls: mutual(), connectTimeoutMs: 300 })
    expect(error).toMatchObject({ code: 'log_unavailable', message: expect.stringMatching(/speaks no TLS/) })
  })

  test('is told files that cannot be used, by their names', async () => {
    const other = (await authority?.issue('client')) as Certificate
    const garbage = join(server.dir, 'garbage.pem')
    await writeFile(garbage, 'no certificate')
    for (const [tls, sentence] of [
      [{ caFile: '/nowhere/ca.pem' }, /caFile .*\/nowhere\/ca\.pem, cannot be read: ENOENT/],
      [{ caFile: garbage }, /caFile .*garbage\.pem, holds no PEM/],
      [{ ...client, keyFile: other.keyFile }, /cannot be used together/]
    ] as const) {
      expect(await refusal({ url: url(), tls })).toMatchObject({
        code: 'invalid_options',
        message: expect.stringMatching(sentence)
      })
    }
  })

  test('takes a renewed client certificate with the next connection, without a restart', async () => {
    const files = { certFile: join(server.dir, 'own.pem'), keyFile: join(server.dir, 'own-key.pem') }
    const copy = async (from: Certificate) => {
      await writeFile(files.certFile, await readFile(from.certFile))
      await writeFile(files.keyFile, await readFile(from.keyFile))
    }
    await copy((await authority?.issue('client', { expired: true })) as Certificate)
    const storage = newLog({ url: url(), tls: { caFile: ca(), ...files } })
    await expect(storage.start()).rejects.toMatchObject({ code: 'log_refused' })
    await copy(client)
    await storage.start()
    await storage.log.append([entry()])
  })

  describe('and asks for a user of its own', () => {
    let secured: { server: RedisServer; port: number }
    beforeAll(async () => {
      secured = await startTls((await authority?.issue('127.0.0.1')) as Certificate, authority)
      await command(secured.server.url, 'ACL', 'SETUSER', 'events', 'on', '>p@ss/w:rd#?', '~*', '&*', '+@all')
      await command(secured.server.url, 'ACL', 'SETUSER', 'watcher', 'on', 'nopass', '~*', '+@all')
      await command(secured.server.url, 'ACL', 'SETUSER', 'default', 'off')
    })
    afterAll(() => secured.server.stop())

    testSmoke(() =>
      redisHarness({
        url: `rediss://events:p@ss/w:rd#?@127.0.0.1:${secured.port}`,
        foreignUrl: secured.server.url.replace('://', '://watcher:any@'),
        tls: mutual()
      })
    )
  })
})

describe('a Redis', () => {
  let server: RedisServer
  let socket: string
  beforeAll(async () => {
    socket = `/tmp/tradpal-${process.pid}-${await freePort()}.sock`
    server = await startRedis({ unixsocket: socket })
  })
  afterAll(async () => {
    await server.stop()
    await rm(socket, { force: true })
  })

  test.each(['p@ss', 'a:b/c?d#e', 'per%25cent', ' spaces and ünïcode', 'quotes\'"`'])(
    'takes the password %s of an ACL user, and shows it nowhere',
    async (password) => {
      await command(
        server.url,
        'ACL',
        'SETUSER',
        'us@er',
        'reset',
        'on',
        `>${decodeURIComponent(password)}`,
        '~*',
        '+@all'
      )
      const storage = await works({ url: `redis://us%40er:${password}@127.0.0.1:${server.port}` })
      expect(inspect(storage, { depth: 3 }) + storage.location).not.toContain(password)
      const error = await refusal({ url: `redis://us%40er:${password}x@127.0.0.1:${server.port}` })
      expect(error).toMatchObject({ code: 'log_refused', message: expect.stringMatching(/WRONGPASS/) })
      expect(inspect(error, { depth: 9 })).not.toContain(password)
    }
  )

  test('keeps the logs of its databases apart', async () => {
    const [one, two] = ['/1', '?db=2'].map((end) => newLog({ url: `${server.url}${end}`, streamName: 'apart' }))
    await Promise.all([one?.start(), two?.start()])
    await one?.log.append([entry('one')])
    expect((await one?.log.read({ limit: 10 }))?.entries).toHaveLength(1)
    expect((await two?.log.read({ limit: 10 }))?.entries).toEqual([])
    expect(await refusal({ url: `${server.url}/99` })).toMatchObject({ message: expect.stringMatching(/DB index/) })
  })

  test('is reached by its socket, with a user and a database', async () => {
    await command(server.url, 'ACL', 'SETUSER', 'local', 'on', '>p@ss', '~*', '+@all')
    const storage = await works({ url: `redis+unix://local:p@ss@${socket}?db=3`, streamName: 'by_socket' })
    expect(storage.location).toBe(`redis+unix://${socket}?db=3 by_socket`)
    expect(await command(`${server.url}/3`, 'XLEN', 'by_socket')).toBe(1)
    expect(await refusal({ url: 'redis+unix:///nowhere/redis.sock' })).toMatchObject({
      code: 'log_unavailable',
      message: expect.stringMatching(/ENOENT/)
    })
  })

  test.each([
    ['-xadd', 'write', /xadd/i],
    ['-xrange', 'read', /xrange/i]
  ])('names what a user with %s lacks', async (rule, effect, sentence) => {
    await command(server.url, 'ACL', 'SETUSER', 'lacking', 'reset', 'on', '>pw', '~*', '+@all', rule)
    const storage = newLog({ url: `redis://lacking:pw@127.0.0.1:${server.port}`, streamName: 'lacking' })
    await storage.start()
    const call = effect === 'write' ? storage.log.append([entry()]) : storage.log.read({ limit: 1 })
    await expect(call).rejects.toMatchObject({ code: 'log_refused', message: expect.stringMatching(sentence) })
  })

  test('names a key that a user may not use', async () => {
    await command(server.url, 'ACL', 'SETUSER', 'elsewhere', 'reset', 'on', '>pw', '~other*', '+@all')
    const storage = newLog({ url: `redis://elsewhere:pw@127.0.0.1:${server.port}` })
    await expect(storage.start()).rejects.toMatchObject({
      code: 'log_refused',
      message: expect.stringMatching(/keys/)
    })
  })
})
