import { EventSystemError } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { configure, type EventSystemOptions } from '../../src/configuration/index.ts'
import { EventSystem } from '../../src/event-system.ts'
import { clusterPrefix, collectionKeys, expiringKeys, groupKeys, logKeys } from '../../src/log/redis/keys.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

/** The sentences with which options are refused. */
function refusal(options: object): string[] {
  try {
    new EventSystem({ environment: {}, ...options } as EventSystemOptions)
  } catch (error) {
    if (error instanceof EventSystemError && error.code === 'invalid_options') return error.message.split('\n')
    throw error
  }
  return []
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    const { storage, ...rest } = configure({ environment: {} })
    expect(storage.kind).toBe('sqlite')
    expect(storage.location).toMatch(/\/data\/tradpal_events\.db$/)
    expect(rest).toMatchObject({ consumerGroup: 'tradpal_consumers', timeoutMs: 5_000 })
    expect(rest.publishing.validation).toBe('strict')
  })

  it('takes what is not given from the environment', () => {
    const environment = {
      EVENT_LOG_PATH: '/tmp/from-the-environment.db',
      EVENT_CONSUMER_GROUP: 'from_the_environment',
      EVENT_LOG_TIMEOUT_MS: '1234'
    }
    const { storage, ...rest } = configure({ environment })
    expect(storage.location).toBe('/tmp/from-the-environment.db')
    expect(rest).toMatchObject({ consumerGroup: 'from_the_environment', timeoutMs: 1_234 })
    const redis = { REDIS_URL: 'redis://user:secret@localhost:6379/1', EVENT_STREAM_NAME: 'from_the_environment' }
    expect(configure({ environment: redis }).storage.location).toBe('redis://localhost:6379/1 from_the_environment')
  })

  it('takes an option over the environment, though the variable be wrong', () => {
    const environment = {
      REDIS_URL: 'nonsense',
      EVENT_LOG_PATH: '/tmp/from-the-environment.db',
      EVENT_CONSUMER_GROUP: 'from_the_environment',
      EVENT_LOG_TIMEOUT_MS: 'soon'
    }
    const options = { logPath: '/tmp/given.db', consumerGroup: 'given', timeoutMs: 7, environment }
    const { storage, ...rest } = configure(options)
    expect(storage.location).toBe('/tmp/given.db')
    expect(rest).toMatchObject({ consumerGroup: 'given', timeoutMs: 7 })
    const redis = configure({
      redisUrl: 'redis://given:1',
      streamName: 'given',
      environment: { REDIS_URL: 'nonsense' }
    })
    expect(redis.storage.location).toBe('redis://given:1 given')
  })

  it('takes the level at which data are checked from the option, then the variable', () => {
    const levelOf = (options: object) => configure({ environment: {}, ...options }).publishing.validation
    expect(levelOf({ environment: { EVENT_VALIDATION: 'platform' } })).toBe('platform')
    expect(levelOf({ validation: 'off', environment: { EVENT_VALIDATION: 'platform' } })).toBe('off')
    expect(levelOf({})).toBe('strict')
  })

  it('counts a variable that is set to nothing as unset', () => {
    const environment = { REDIS_URL: '', EVENT_LOG_PATH: '', EVENT_LOG_TIMEOUT_MS: '', EVENT_CONSUMER_GROUP: '' }
    expect(configure({ environment })).toMatchObject({
      storage: { kind: 'sqlite' },
      consumerGroup: 'tradpal_consumers'
    })
  })

  it.each<[object, RegExp]>([
    [{ redisUrl: 'localhost:6379' }, /^redisUrl must be a URL that begins with redis:\/\/ or rediss:\/\//],
    [{ redisUrl: 'http://localhost' }, /^redisUrl must be a URL that begins with redis:\/\//],
    [{ environment: { REDIS_URL: 'localhost' } }, /^REDIS_URL must be a URL that begins with redis:\/\//],
    [{ streamName: ' ' }, /^streamName must not be empty\.$/],
    [{ streamName: 5 }, /^streamName must be a text, got 5\.$/],
    [{ environment: { EVENT_STREAM_NAME: ' ' } }, /^EVENT_STREAM_NAME must not be empty\.$/],
    [{ consumerGroup: '' }, /^consumerGroup must not be empty\.$/],
    [{ logPath: '' }, /^logPath must not be empty\.$/],
    [{ validation: 'lax' }, /^validation must be strict or platform or off, got "lax"\.$/],
    [
      { environment: { EVENT_VALIDATION: 'full' } },
      /^EVENT_VALIDATION must be strict or platform or off, got "full"\.$/
    ],
    [{ durability: 'ram' }, /^durability must be os or disk, got "ram"\.$/],
    [{ environment: { EVENT_LOG_DURABILITY: 'ram' } }, /^EVENT_LOG_DURABILITY must be os or disk, got "ram"\.$/],
    [{ durability: 'fsync' }, /^durability must be os or disk, got "fsync", which is for a log in Redis\.$/],
    [
      { redisUrl: 'redis://h', durability: 'disk' },
      /^durability must be memory, fsync or replicas:N, .* got "disk", which is for the embedded log\.$/
    ],
    [
      { environment: { REDIS_URL: 'redis://h', EVENT_LOG_DURABILITY: 'replicas:0' } },
      /^EVENT_LOG_DURABILITY must be memory, fsync or replicas:N, such as replicas:1, got "replicas:0"\.$/
    ],
    [{ timeoutMs: 0 }, /^timeoutMs must be a whole number from 1 to 2147483647, got 0\.$/],
    [{ environment: { EVENT_LOG_TIMEOUT_MS: '5s' } }, /^EVENT_LOG_TIMEOUT_MS must be .*, got "5s"\.$/],
    [
      { environment: { EVENT_LOG_TIMEOUT_MS: '99999999999' } },
      /^EVENT_LOG_TIMEOUT_MS must be .*, got "99999999999"\.$/
    ],
    [{ deduplicationWindowMs: -1 }, /^deduplicationWindowMs must be a whole number from 0 to 2147483647, got -1\.$/],
    [
      { environment: { EVENT_DEDUPLICATION_WINDOW_MS: '1.5' } },
      /^EVENT_DEDUPLICATION_WINDOW_MS must be .*, got "1\.5"\.$/
    ],
    [{ environment: { EVENT_SPOOL_PATH: ' ' } }, /^EVENT_SPOOL_PATH must not be empty\.$/],
    [{ logPath: './a.db', spoolPath: 'a.db' }, /^The spool needs a file of its own, not that of the log: a\.db\.$/],
    [{ spoolMaxBytes: 0 }, /^spoolMaxBytes must be a whole number of at least 1, got 0\.$/],
    [{ environment: { EVENT_SPOOL_DURABILITY: 'ram' } }, /^EVENT_SPOOL_DURABILITY must be os or disk, got "ram"\.$/],
    [{ publishMaxInFlight: 1.5 }, /^publishMaxInFlight must be a whole number of at least 1, got 1\.5\.$/],
    [
      { environment: { EVENT_PUBLISH_WHEN_FULL: 'drop' } },
      /^EVENT_PUBLISH_WHEN_FULL must be wait or refuse, got "drop"\.$/
    ],
    [{ environment: { EVENT_HEALTH_MAX_PENDING_MS: 'x' } }, /^EVENT_HEALTH_MAX_PENDING_MS must be .*, got "x"\.$/],
    [{ redisUrl: 'redis://localhost', logPath: './a.db' }, /^redisUrl and logPath exclude each other/],
    [{ storage: new SqliteStorage(), logPath: './a.db' }, /^logPath and storage exclude each other/],
    [{ storage: new SqliteStorage(), redisUrl: 'redis://localhost' }, /^redisUrl and storage exclude each other/],
    [
      { environment: { EVENT_PARTITIONING: 'type' } },
      /^EVENT_PARTITIONING=type is for a log in Redis: .* Leave it out, or say none\.$/
    ],
    [{ logPath: './a.db', partitioning: 'type' }, /^partitioning: 'type' is for a log in Redis: /],
    [
      { environment: { REDIS_URL: 'redis://h', EVENT_PARTITIONING: 'topic' } },
      /^EVENT_PARTITIONING must be none or type, got "topic"\.$/
    ],
    [
      { environment: { REDIS_URL: 'redis://h', EVENT_PARTITIONING: 'type', EVENT_INDEX: 'on' } },
      /^EVENT_INDEX=on is for a log in one stream, and EVENT_PARTITIONING is type: .* Leave one of the two out\.$/
    ],
    [{ environment: { REDIS_URL: 'redis://h', EVENT_INDEX: 'yes' } }, /^EVENT_INDEX must be off or on, got "yes"\.$/],
    [{ redisUrl: 'redis://h', redisTls: { caFile: 'ca.pem' } }, /^redisTls\.caFile is for .* begins with rediss\.$/],
    [
      { environment: { REDIS_URL: 'redis://h', EVENT_REDIS_TLS_CA_FILE: 'ca.pem' } },
      /^EVENT_REDIS_TLS_CA_FILE is for a log in Redis whose URL begins with rediss\.$/
    ],
    [
      { environment: { REDIS_URL: 'rediss://h', EVENT_REDIS_TLS_CERT_FILE: 'cert.pem' } },
      /^tls\.certFile and tls\.keyFile belong together/
    ],
    [
      { environment: { REDIS_URL: 'redis://h', EVENT_REDIS_SENTINEL_PASSWORD: 'secret' } },
      /^EVENT_REDIS_SENTINEL_PASSWORD is for a log in Redis whose URL begins with redis\+sentinel\.$/
    ],
    [{ logger: { info() {} } }, /^logger must be a pino logger, console, or what has their debug, info, warn and error/]
  ])('refuses %o in one sentence', (options, sentence) => {
    expect(refusal(options)).toEqual([expect.stringMatching(sentence)])
  })

  it('says everything that is wrong at once, and no password', () => {
    const environment = { REDIS_URL: 'http://user:secret@localhost', EVENT_LOG_TIMEOUT_MS: 'soon' }
    const sentences = refusal({ environment, streamName: '', durability: 'ram' })
    expect(sentences).toHaveLength(4)
    expect(sentences.join()).not.toContain('secret')
  })

  it('does not ask of another log what the environment asks of its own', () => {
    const environment = { REDIS_URL: 'redis://h', EVENT_PARTITIONING: 'type' }
    expect(configure({ environment, logPath: '/tmp/own.db' }).storage.kind).toBe('sqlite')
  })

  it('gives each event type a stream where that is asked, and the log for audits one order all the same', () => {
    for (const asked of [
      { environment: { REDIS_URL: 'redis://h', EVENT_PARTITIONING: 'type' } },
      { environment: {}, redisUrl: 'redis://h', partitioning: 'type' as const }
    ]) {
      const { storage, auditLog } = configure(asked)
      expect([storage.features.totalOrder, storage.partitioned]).toEqual([false, undefined])
      expect(auditLog?.().storage.features.totalOrder).toBe(true)
    }
  })

  it('gives a log in Redis an index where that is asked, and its log for audits none; an embedded log has one in any case', () => {
    for (const asked of [
      { environment: { REDIS_URL: 'redis://h', EVENT_INDEX: 'on' } },
      { environment: {}, redisUrl: 'redis://h', index: 'on' as const }
    ]) {
      const { storage, auditLog, logSettings } = configure(asked)
      expect([storage.features.index, auditLog?.().storage.features.index]).toEqual([true, false])
      expect(logSettings).toMatchObject({ index: 'on' })
    }
    expect(configure({ environment: { REDIS_URL: 'redis://h' } }).storage.features.index).toBe(false)
    for (const index of ['off', 'on'] as const) {
      expect(configure({ environment: {}, logPath: '/tmp/own.db', index }).storage.features.index).toBe(true)
    }
  })

  it('asks of a Redis that an option names only what concerns it', () => {
    const environment = { REDIS_URL: 'rediss://h', EVENT_REDIS_TLS_CA_FILE: 'ca.pem' }
    expect(configure({ environment, redisUrl: 'redis://other' }).storage.location).toBe('redis://other tradpal_events')
    expect(configure({ environment, logPath: '/tmp/own.db' }).storage.kind).toBe('sqlite')
  })

  it('takes a durability that the log has where it is', () => {
    const redis = { REDIS_URL: 'redis://h', EVENT_LOG_DURABILITY: 'replicas:2' }
    expect(configure({ environment: redis }).logSettings).toMatchObject({ durability: 'replicas:2' })
    expect(configure({ environment: redis, logPath: '/tmp/own.db' }).logSettings).toMatchObject({ durability: 'os' })
    const embedded = { EVENT_LOG_DURABILITY: 'disk' }
    expect(configure({ environment: embedded }).logSettings).toMatchObject({ durability: 'disk' })
    expect(configure({ environment: embedded, logPath: '/tmp/own.db' }).logSettings).toMatchObject({
      durability: 'disk'
    })
    expect(configure({ environment: embedded, redisUrl: 'redis://h' }).logSettings).toMatchObject({
      durability: 'memory'
    })
  })

  it('takes a log of your own whatever the environment says of logs', () => {
    const storage = new SqliteStorage({ path: '/tmp/own.db' })
    expect(configure({ storage, environment: { REDIS_URL: 'nonsense' } }).storage).toBe(storage)
  })
})

describe('the audit log', () => {
  const ofSystem = (options: EventSystemOptions) => new EventSystem({ environment: {}, ...options }).auditLog()

  it('is a file beside that of the embedded log, and a stream under the name of that in Redis', () => {
    expect(ofSystem({ logPath: '/tmp/nowhere/events.db' })).toMatchObject({
      storage: { kind: 'sqlite', location: '/tmp/nowhere/events.db.audit.db' },
      mayBeThere: false
    })
    expect(ofSystem({ redisUrl: 'redis://localhost', streamName: 'orders' }).storage.location).toMatch(/ orders:audit$/)
  })

  it('is not there beside a log of your own', () => {
    const system = new EventSystem({ environment: {}, storage: new SqliteStorage({ path: '/tmp/nowhere/own.db' }) })
    expect(() => system.auditLog()).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it.each(['tradpal_events', '{orders}'])(
    'has keys that the log %s has not, and in a cluster all of them in one slot',
    (stream) => {
      for (const prefixOf of [(name: string) => name, clusterPrefix]) {
        const keysOf = (name: string) => {
          const keys = logKeys(name, prefixOf(name))
          const all = [keys.deduplication, Object.values(groupKeys(keys, 'audit')), Object.values(keys)].flat(2)
          const ofCollections = [...collectionKeys(keys, 'audit'), ...expiringKeys(keys, 'audit')]
          return [...all, ...ofCollections].filter((key) => key !== keys.prefix)
        }
        const [own, audit] = [keysOf(stream), keysOf(`${stream}:audit`)]
        expect(own.filter((key) => audit.includes(key) || key.startsWith(`${stream}:audit`))).toEqual([])
        expect(audit.every((key) => key.startsWith(`${stream}:audit`))).toBe(true)
        if (prefixOf === clusterPrefix)
          expect(new Set([...audit, `${stream}:audit`].map((key) => /\{([^}]+)\}/.exec(key)?.[1] ?? key)).size).toBe(1)
      }
    }
  )
})
