import { waitFor } from '@tradpal/event-system/testing'
import { pause } from '../support/run-process.ts'
import { startRedis } from '../support/start-redis.ts'
import { startRedisSentinels } from '../support/start-redis-sentinel.ts'
import type { Subject } from './subjects.ts'

/** What the log lives in. */
export interface Servers {
  /** For those who publish. */
  readonly url: string
  /** Where a proxy may stand before it: a server alone. */
  readonly port: number | undefined
  /** Who has the log now. */
  masterUrl(): Promise<string>
  /** SIGKILL to who has the log; started again after so long. */
  kill(forMs: number): Promise<void>
  /** SIGSTOP for so long. */
  freeze(forMs: number): Promise<void>
  stop(): Promise<void>
}

export function openServers(kind: Subject['redis'], folder: string): Promise<Servers> {
  return kind === 'alone' ? openServer(folder) : openSentinels()
}

/** What it answered, its disk has: a kill loses nothing of it. */
async function openServer(dir: string): Promise<Servers> {
  const redis = await startRedis({ dir, config: { appendonly: 'yes', appendfsync: 'always' } })
  return {
    url: redis.url,
    port: redis.port,
    masterUrl: async () => redis.url,
    async kill(forMs) {
      await redis.kill()
      await pause(forMs)
      await redis.restart()
    },
    async freeze(forMs) {
      redis.pause()
      await pause(forMs)
      redis.resume()
    },
    stop: () => redis.stop()
  }
}

/**
 * What a replica has confirmed survives the master. It is back as a replica before the next is killed: two that are lost at
 * once are more than one replica is a promise for.
 */
async function openSentinels(): Promise<Servers> {
  const sentinels = await startRedisSentinels()
  const hasReplica = async () => {
    const master = await sentinels.master()
    return (await sentinels.ask<string>(master, 'INFO', 'replication')).includes('state=online')
  }
  const kill = async (forMs: number) => {
    const master = await sentinels.master()
    await master.kill()
    const isReplaced = async () => (await sentinels.master()).port !== master.port
    await waitFor(isReplaced, { timeoutMs: 120_000, what: 'the failover' })
    await pause(forMs)
    await master.restart()
    // A sentinel lets it be a master for some seconds, before it tells it that it is none any more.
    await waitFor(() => hasReplica().catch(() => false), { timeoutMs: 120_000, what: 'a replica' })
  }
  let lastKill = Promise.resolve()
  return {
    url: sentinels.url,
    port: undefined,
    masterUrl: async () => (await sentinels.master()).url,
    kill(forMs) {
      lastKill = lastKill.then(() => kill(forMs))
      return lastKill
    },
    async freeze() {
      throw new Error('No subject freezes a master.')
    },
    stop: () => sentinels.stop()
  }
}
