import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { RedisServer } from '../../../../test/support/start-redis.ts'
import { type RedisCluster, startRedisCluster } from '../../../../test/support/start-redis-cluster.ts'
import { EventSystem } from '../../src/event-system.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal } from '../support/events.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())

const PUBLISHERS = ['A', 'B', 'C', 'D']

test('every publish resolves while its slot is handed from node to node, once and in order', async () => {
  const system = new EventSystem({ redisUrl: cluster.url, streamName: 'moved', environment: {} })
  onTestFinished(async () => void (await system.close()))
  await system.initialize()
  let published = 0
  let goesOn = true
  const publish = async (symbol: string): Promise<string[]> => {
    const eventIds: string[] = []
    while (goesOn) {
      const batch = [signal(symbol), signal(symbol), signal(symbol)]
      const receipts = await Promise.all(batch.map((event) => system.publish(event)))
      eventIds.push(...receipts.map(({ eventId }) => eventId))
      published += batch.length
    }
    return eventIds
  }
  const publishing = PUBLISHERS.map(publish)

  for (let round = 0; round < 3; round++) {
    const before = published
    const { node, slot } = await cluster.ownerOf('moved')
    const next = cluster.masters[(cluster.masters.indexOf(node) + 1) % 3] as RedisServer
    await cluster.moveSlot(slot, node, next)
    await waitFor(() => published > before + 100, { what: 'publishing going on' })
  }
  goesOn = false
  const eventIds = await Promise.all(publishing)

  const inLog = new Map<string, string[]>(PUBLISHERS.map((symbol) => [symbol, []]))
  for await (const { eventId, data } of system.store.readEvents()) inLog.get(String(data.symbol))?.push(eventId)
  expect([...inLog.values()]).toEqual(eventIds)
})
