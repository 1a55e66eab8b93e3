import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { redisClient } from './redis-client.ts'
import { type RedisConfig, type RedisServer, runRedis, startRedis } from './start-redis.ts'

/** A master that does not answer for so long is down, in ms. */
const DOWN_AFTER_MS = 500
const SENTINELS = 3

export interface SentinelOptions {
  /** Of the master and its replicas. */
  readonly config?: RedisConfig
  /** Further lines of each sentinel's file; `master` is the name of the master. */
  readonly lines?: readonly string[]
  readonly replicas?: number
  /** The client of this test, for servers that are not open to everybody. */
  readonly credentials?: string
}

/** A master with replicas, and three sentinels that watch it, of a test's own. */
export interface RedisSentinels {
  /** `redis+sentinel://` with every sentinel, without credentials. */
  readonly url: string
  /** The master that it began with, and its replicas. */
  readonly servers: readonly [RedisServer, ...RedisServer[]]
  readonly sentinels: readonly RedisServer[]
  /** Asks a server or a sentinel. */
  ask<Answer>(node: RedisServer, ...command: string[]): Promise<Answer>
  /** The master, by what the sentinels that answer say. */
  master(): Promise<RedisServer>
  /** Ends everything. Idempotent. */
  stop(): Promise<void>
}

/** Resolves when the sentinels know each other and the replicas, and the replicas have the data of the master. */
export async function startRedisSentinels(options: SentinelOptions = {}): Promise<RedisSentinels> {
  const { config = {}, lines = [], replicas = 1, credentials = '' } = options
  const started: RedisServer[] = []
  const stop = async () => {
    await Promise.all(started.map((node) => node.stop()))
  }
  const ask = async <Answer>({ port }: RedisServer, ...command: string[]): Promise<Answer> => {
    const url = `redis://${sentinels.some((node) => node.port === port) ? '' : credentials}127.0.0.1:${port}`
    const client = redisClient(url, { socket: { reconnectStrategy: false } })
    client.on('error', () => {}) // What fails, rejects.
    await client.connect()
    try {
      return (await client.sendCommand(command)) as Answer
    } finally {
      client.destroy()
    }
  }
  const servers: RedisServer[] = []
  const sentinels: RedisServer[] = []
  try {
    const common = { 'repl-diskless-sync-delay': '0', 'repl-ping-replica-period': '1', ...config }
    const first = await startRedis(common)
    servers.push(first)
    started.push(first)
    for (let i = 0; i < replicas; i++) {
      const replica = await startRedis({ ...common, replicaof: `127.0.0.1 ${first.port}` })
      servers.push(replica)
      started.push(replica)
    }
    for (let i = 0; i < SENTINELS; i++) {
      const sentinel = await startSentinel(first.port, lines)
      sentinels.push(sentinel)
      started.push(sentinel)
    }
    await until('the replicas and sentinels know each other', async () => {
      const links = await Promise.all(servers.slice(1).map((one) => ask<string>(one, 'INFO', 'replication')))
      const views = await Promise.all(sentinels.map((one) => ask<string[]>(one, 'SENTINEL', 'MASTER', 'master')))
      return (
        links.every((info) => info.includes('master_link_status:up')) &&
        views.every((view) => {
          const value = (name: string) => view[view.indexOf(name) + 1]
          return value('num-other-sentinels') === String(SENTINELS - 1) && value('num-slaves') === String(replicas)
        })
      )
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/master`,
    servers: servers as [RedisServer, ...RedisServer[]],
    sentinels,
    ask,
    async master() {
      const named = sentinels.map((one) => ask<[string, string]>(one, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'master'))
      const [, port] = await Promise.any(named)
      return servers.find((one) => one.port === Number(port)) as RedisServer
    },
    stop
  }
}

async function startSentinel(masterPort: number, lines: readonly string[]): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tradpal-sentinel-'))
  const port = await freePort()
  const file = join(dir, 'sentinel.conf')
  const content = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor master 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds master ${DOWN_AFTER_MS}`,
    'sentinel failover-timeout master 3000',
    ...lines
  ]
  await writeFile(file, `${content.join('\n')}\n`)
  return runRedis([file, '--sentinel'], { port, dir })
}

/** Throws after 20 s. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what}: not within 20 s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
