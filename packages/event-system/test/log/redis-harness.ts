import { createCluster } from '@redis/client'
import { freePort } from '../../../../test/support/free-port.ts'
import { redisClient } from '../../../../test/support/redis-client.ts'
import type { ConformanceHarness, HarnessOpenOptions } from '../../src/log/conformance/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { labelsOf } from './labelled-payloads.ts'

let streams = 0

export interface RedisHarness extends ConformanceHarness {
  readonly streamName: string
}

/** A log of its own, in a stream that none had before. */
export function redisHarness(
  place: RedisStorageOptions & {
    readonly url: string
    /** Where others write, when it is not there. */
    readonly foreignUrl?: string
    /** With an index by what {@link labelsOf} says of payloads. */
    readonly isIndexed?: boolean
  }
): RedisHarness {
  const { url, foreignUrl = url, isIndexed = false, ...options } = place
  const index = isIndexed ? { index: { labelsOf } } : {}
  const streamName = `conformance_${++streams}`
  const open = new Set<RedisStorage>()
  return {
    streamName,
    features: new RedisStorage({ url, streamName, ...options, ...index }).features,
    absent: options.partitioning === 'type' ? ['rewrite', 'partitioned'] : ['rewrite'],
    async open(asked: HarnessOpenOptions = {}) {
      const storage = new RedisStorage({ url, streamName, ...options, ...index, ...asked })
      await storage.start()
      open.add(storage)
      return storage
    },
    child: {
      module: new URL('./redis-child.ts', import.meta.url).href,
      options: { url, streamName, isIndexed, ...options }
    },
    async writeForeign(fields) {
      const isCluster = url.startsWith('redis+cluster://')
      const [host = ''] = url.replace('redis+cluster://', '').split(',')
      const client = isCluster ? createCluster({ rootNodes: [{ url: `redis://${host}` }] }) : redisClient(foreignUrl)
      await client.connect()
      const id = await client.xAdd(streamName, '*', { ...fields })
      await client.close()
      return id
    },
    unreachable: async () => new RedisStorage({ url: `redis://127.0.0.1:${await freePort()}`, streamName }),
    async dispose() {
      for (const storage of open) await storage.close()
    }
  }
}
