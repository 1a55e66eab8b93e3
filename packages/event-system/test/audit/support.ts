import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Clock, RedisStorage, SqliteStorage, type Storage, silentLogger, systemClock } from '@tradpal/event-system'
import { onTestFinished } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { sharedInFile } from '../../../../test/support/shared-in-file.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { ANYBODY, type Principal } from '../../src/access/index.ts'
import { type Actor, Audit } from '../../src/audit/index.ts'

export const LOGS = ['sqlite', 'redis'] as const

/** An audit log of a test, and what somebody can do to it who writes past the service. */
export interface TestLog {
  /** For another process. */
  readonly place: object
  open(): Promise<Storage>
  /** The texts of the entries, in order. */
  texts(): Promise<string[]>
  /** Puts other texts into their places: fewer, more or others. What the log counts stays. */
  tamper(texts: readonly string[]): Promise<void>
  /** What the log counts too. */
  forget(entries: number): Promise<void>
}

const theRedis = sharedInFile(startRedis, (server) => server.stop())

export async function newAuditLog(kind: (typeof LOGS)[number]): Promise<TestLog> {
  return kind === 'sqlite' ? sqliteLog() : redisLog()
}

async function sqliteLog(): Promise<TestLog> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-audit-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'events.db.audit.db')
  const raw = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(path)
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  return {
    place: { path },
    open: () => started(new SqliteStorage({ path })),
    texts: async () =>
      raw((database) =>
        database
          .prepare('SELECT payload FROM entries ORDER BY id')
          .all()
          .map((row) => String(row.payload))
      ),
    tamper: async (texts) =>
      raw((database) => {
        database.exec('BEGIN; DELETE FROM entries')
        const insert = database.prepare(
          'INSERT INTO entries (id, ordinal, label, event_time, payload) VALUES (?, ?, 1, 0, ?)'
        )
        for (const [i, text] of texts.entries()) insert.run(i + 1, i + 1, text)
        database.exec('COMMIT')
      }),
    forget: async (entries) => raw((database) => database.exec(`UPDATE versions SET version = version - ${entries}`))
  }
}

async function redisLog(): Promise<TestLog> {
  const { url } = await theRedis()
  const streamName = `test_${randomUUID()}:audit`
  const client = redisClient(url)
  await client.connect()
  onTestFinished(() => client.destroy())
  return {
    place: { url, streamName },
    open: () => started(new RedisStorage({ url, streamName })),
    texts: async () => {
      const entries = await client.xRange(streamName, '-', '+')
      return (entries ?? []).map((entry) => entry.message.event ?? '')
    },
    async tamper(texts) {
      await client.del(streamName)
      for (const [i, text] of texts.entries()) await client.xAdd(streamName, `1-${i + 1}`, { event: text })
    },
    forget: async (entries) => void (await client.hIncrBy(`${streamName}:stream_versions`, 'chain', -entries))
  }
}

async function started(storage: Storage): Promise<Storage> {
  await storage.start()
  onTestFinished(() => storage.close())
  return storage
}

/** One who writes into it, as an instance of the service does. */
export async function newAudit(log: TestLog, clock: Clock = systemClock, retentionMs?: number): Promise<Audit> {
  const audit = new Audit({ storage: await log.open(), clock, logger: silentLogger, retentionMs })
  onTestFinished(() => audit.close())
  return audit
}

export const ALICE: Actor = { principal: 'alice', proof: 'api key', keyId: 'aaaaaaaaaaaa', address: '10.0.0.1' }
/** The same, as a request knows her. */
export const AS_PRINCIPAL: Principal = { ...ANYBODY, name: 'alice', proof: 'api key' }
