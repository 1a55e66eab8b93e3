import { freePort } from './free-port.ts'
import { redisClient } from './redis-client.ts'
import { type RedisServer, startRedis } from './start-redis.ts'

const SLOTS = 16_384

/** A Redis Cluster of a test's own. */
export interface RedisCluster {
  /** `redis+cluster://` with every node. */
  readonly url: string
  /** The masters that it began with, each with an equal share of the slots, in order. */
  readonly masters: readonly RedisServer[]
  /** Of each of those masters, when there are replicas. */
  readonly replicas: readonly RedisServer[]
  /** Asks a node. */
  ask<Answer>(node: RedisServer, ...command: string[]): Promise<Answer>
  /** The node that has a key, by what the first that answers says, and the slot of it. */
  ownerOf(key: string): Promise<{ node: RedisServer; slot: number }>
  /** Hands a slot with its keys to another master, as `redis-cli --cluster reshard` does. */
  moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void>
  /** Ends all nodes. Idempotent. */
  stop(): Promise<void>
}

/** Starts three masters, and a replica of each when asked, and resolves when all of them say that the cluster is well. */
export async function startRedisCluster({ replicas = false } = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: replicas ? 6 : 3 }, () => startNode()))
  const masters = nodes.slice(0, 3)
  const cluster: RedisCluster = {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters: masters.map(({ server }) => server),
    replicas: nodes.slice(3).map(({ server }) => server),
    ask,
    async ownerOf(key) {
      const servers = nodes.map(({ server }) => server)
      const [first] = await Promise.any(servers.map(async (server) => [server, await ask(server, 'PING')] as const))
      const slot = await ask<number>(first, 'CLUSTER', 'KEYSLOT', key)
      const ranges = await ask<[number, number, [string, number]][]>(first, 'CLUSTER', 'SLOTS')
      const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1]
      return { node: servers.find((server) => server.port === port) as RedisServer, slot }
    },
    async moveSlot(slot, from, to) {
      const [fromId, toId] = await Promise.all([from, to].map((node) => ask<string>(node, 'CLUSTER', 'MYID')))
      await ask(to, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId as string)
      await ask(from, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId as string)
      for (;;) {
        const keys = await ask<string[]>(from, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '100')
        if (keys.length === 0) break
        await ask(from, 'MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
      }
      for (const node of [to, from]) await ask(node, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', toId as string)
    },
    async stop() {
      await Promise.all(nodes.map(({ server }) => server.stop()))
    }
  }
  try {
    const share = Math.ceil(SLOTS / masters.length)
    for (const [i, { server }] of masters.entries()) {
      const last = Math.min(SLOTS, (i + 1) * share) - 1
      await ask(server, 'CLUSTER', 'ADDSLOTSRANGE', String(i * share), String(last))
      await ask(server, 'CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
    }
    const [first, ...others] = nodes
    for (const { port, busPort } of others) {
      await ask(first?.server as RedisServer, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort))
    }
    await all(
      nodes,
      async ({ server }) => (await ask<string>(server, 'CLUSTER', 'NODES')).split('\n').length > nodes.length
    )
    for (const [i, replica] of cluster.replicas.entries()) {
      const masterId = await ask<string>(cluster.masters[i] as RedisServer, 'CLUSTER', 'MYID')
      await ask(replica, 'CLUSTER', 'REPLICATE', masterId)
    }
    await all(nodes, async ({ server }) => /cluster_state:ok/.test(await ask<string>(server, 'CLUSTER', 'INFO')))
    for (const replica of cluster.replicas) {
      await all([replica], async (node) => /master_link_status:up/.test(await ask<string>(node, 'INFO', 'replication')))
    }
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** A port that was free when it was looked for may be somebody else's when the node takes it: then with others. */
async function startNode(attempts = 5) {
  const busPort = await freePort()
  try {
    const server = await startRedis({
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-node-timeout': '1000',
      'cluster-require-full-coverage': 'no',
      // A master waits so long for further replicas before it sends its data to the first.
      'repl-diskless-sync-delay': '0'
    })
    return { server, port: server.port, busPort }
  } catch (error) {
    if (attempts === 1) throw error
    return startNode(attempts - 1)
  }
}

async function ask<Answer>(node: RedisServer, ...command: string[]): Promise<Answer> {
  const client = redisClient(node.url, { socket: { reconnectStrategy: false } })
  client.on('error', () => {}) // What fails, rejects.
  await client.connect()
  try {
    return (await client.sendCommand(command)) as Answer
  } finally {
    client.destroy()
  }
}

/** Resolves when something holds of all of them. Throws after 20 s. */
async function all<Item>(items: readonly Item[], holds: (item: Item) => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await Promise.all(items.map(holds))).every(Boolean)) {
    if (performance.now() > deadline) throw new Error('the nodes of the Redis Cluster do not find each other')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
