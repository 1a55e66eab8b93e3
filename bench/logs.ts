import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createClient } from '@redis/client'
import { type Event, EventSystem, toWire } from '@tradpal/event-system'
import { startRedis } from '../test/support/start-redis.ts'

/** Without the rewriting of the append-only file, which falls on whoever is at work when it has grown enough. */
export const DURABLE = { appendonly: 'yes', appendfsync: 'everysec', 'auto-aof-rewrite-percentage': '0' }

/** What a driver appends. */
export interface RawEntry {
  readonly eventId: string
  readonly payload: string
}

/** What whoever uses a driver appends of an event: its JSON, and its id to know it again by. */
export function rawEntryOf(event: Event): RawEntry {
  return { eventId: event.eventId, payload: JSON.stringify(toWire(event)) }
}

/**
 * The peer of a log: what its driver does with the same events. It remembers event ids, in the same step, as the log does, and
 * checks nothing else.
 */
export interface RawDriver {
  appendOne(entry: RawEntry): Promise<unknown>
  /** All or none. */
  appendMany(entries: readonly RawEntry[]): Promise<unknown>
  readAll(page: number, onPayload: (payload: string) => void): Promise<number>
  /** Reads and acknowledges everything through a consumer group; `undefined` where the driver has no such thing. */
  consumeAll?(page: number, onPayload: (payload: string) => void): Promise<number>
  /** Reads and acknowledges what is appended from now on, through a consumer group, until {@link close}; `undefined` likewise. */
  follow?(onPayload: (payload: string) => void): Promise<void>
  close(): Promise<void>
}

/** A log to measure: each call of `system` and `raw` opens a new, empty one. */
export interface BenchLog {
  readonly kind: 'sqlite' | 'redis'
  /** What {@link raw} is, for people. */
  readonly driver: string
  /** And how it remembers event ids. */
  readonly remembering: string
  /** Where a server is, when it is one. */
  readonly url?: string
  system(): Promise<EventSystem>
  raw(): Promise<RawDriver>
  /** What a service over a new, empty log finds in its environment. */
  environment(): Record<string, string>
  close(): Promise<void>
}

export function openBenchLog(kind: BenchLog['kind']): Promise<BenchLog> {
  return kind === 'sqlite' ? sqliteBenchLog() : redisBenchLog()
}

async function sqliteBenchLog(): Promise<BenchLog> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-bench-'))
  let files = 0
  const newPath = () => join(folder, `${++files}.db`)
  return {
    kind: 'sqlite',
    driver: 'node:sqlite',
    remembering: 'node:sqlite: INSERT with a UNIQUE event id, ON CONFLICT DO NOTHING',
    async system() {
      const system = new EventSystem({ logPath: newPath() })
      await system.initialize()
      return system
    },
    raw: async () => rawSqlite(newPath()),
    environment: () => ({ EVENT_LOG_PATH: newPath() }),
    close: () => rm(folder, { recursive: true, force: true })
  }
}

async function redisBenchLog(): Promise<BenchLog> {
  const server = await startRedis(DURABLE)
  const empty = async () => {
    const client = rawClient(server.url)
    await client.connect()
    await client.flushAll()
    return client
  }
  return {
    kind: 'redis',
    driver: 'redis client',
    remembering: 'redis client: MULTI, XADD, HSET of the event id, EXEC',
    url: server.url,
    async system() {
      await (await empty()).close()
      const system = new EventSystem({ redisUrl: server.url })
      await system.initialize()
      return system
    },
    raw: async () => rawRedis(await empty()),
    environment: () => ({ REDIS_URL: server.url }),
    close: () => server.stop()
  }
}

function rawSqlite(path: string): RawDriver {
  const database = new DatabaseSync(path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE entries (id INTEGER PRIMARY KEY, event_id TEXT UNIQUE, payload TEXT)`)
  const insert = database.prepare(
    'INSERT INTO entries (event_id, payload) VALUES (?, ?) ON CONFLICT (event_id) DO NOTHING'
  )
  const read = database.prepare('SELECT id, payload FROM entries WHERE id > ? ORDER BY id LIMIT ?')
  return {
    appendOne: async ({ eventId, payload }) => insert.run(eventId, payload),
    async appendMany(entries) {
      database.exec('BEGIN IMMEDIATE')
      for (const { eventId, payload } of entries) insert.run(eventId, payload)
      database.exec('COMMIT')
    },
    async readAll(page, onPayload) {
      let after = 0
      let count = 0
      for (;;) {
        const rows = read.all(after, page) as { id: number; payload: string }[]
        for (const { payload } of rows) onPayload(payload)
        count += rows.length
        if (rows.length < page) return count
        after = rows.at(-1)?.id ?? after
      }
    },
    close: async () => database.close()
  }
}

const rawClient = (url: string) => createClient({ url })

interface RawMessage {
  readonly id: string
  readonly message: Record<string, string>
}

function rawRedis(client: ReturnType<typeof rawClient>): RawDriver {
  const reader = client.duplicate()
  let following: Promise<void> | undefined
  const readNew = async (from: typeof client, options: { COUNT: number; BLOCK?: number }): Promise<RawMessage[]> => {
    const reply = (await from.xReadGroup('group', 'one', { key: 'raw', id: '>' }, options)) as
      | { messages: RawMessage[] }[]
      | null
    return reply?.[0]?.messages ?? []
  }
  const handOver = async (messages: readonly RawMessage[], onPayload: (payload: string) => void) => {
    for (const { message } of messages) onPayload(message.event as string)
    await client.xAck(
      'raw',
      'group',
      messages.map(({ id }) => id)
    )
  }
  return {
    appendOne: ({ eventId, payload }) =>
      client.multi().xAdd('raw', '*', { event: payload }).hSet('raw-ids', eventId, '').exec(),
    appendMany(entries) {
      const batch = client.multi()
      for (const { payload } of entries) batch.xAdd('raw', '*', { event: payload })
      return batch.hSet('raw-ids', Object.fromEntries(entries.map(({ eventId }) => [eventId, '']))).exec()
    },
    async readAll(page, onPayload) {
      let from = '-'
      let count = 0
      for (;;) {
        const entries = (await client.xRange('raw', from, '+', { COUNT: page })) ?? []
        for (const { message } of entries) onPayload(message.event as string)
        count += entries.length
        if (entries.length < page) return count
        from = `(${entries.at(-1)?.id}`
      }
    },
    async consumeAll(page, onPayload) {
      await client.xGroupCreate('raw', 'group', '0', { MKSTREAM: true }).catch(() => {}) // It may be there.
      let count = 0
      for (;;) {
        const messages = await readNew(client, { COUNT: page })
        if (messages.length === 0) return count
        await handOver(messages, onPayload)
        count += messages.length
      }
    },
    async follow(onPayload) {
      await client.xGroupCreate('raw', 'group', '$', { MKSTREAM: true })
      await reader.connect()
      following = (async () => {
        while (reader.isOpen) {
          const messages = await readNew(reader, { COUNT: 200, BLOCK: 100 })
          if (messages.length > 0) await handOver(messages, onPayload)
        }
      })().catch(() => {})
    },
    async close() {
      if (reader.isOpen) reader.destroy()
      await following
      await client.close()
    }
  }
}
