import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { conformance } from '../../src/log/conformance/index.ts'
import { documentedUser } from './documented-user.ts'
import { redisHarness } from './redis-harness.ts'
import { redisSmoke } from './redis-smoke.ts'
import { RedisUsage } from './redis-usage.ts'

/** Redis shows no value of this size to MONITOR and goes on meanwhile. Other cases ask for the same, with less. */
const LARGEST = 'commit: a value of 16 MiB and one of any text come back unchanged'

/** The whole suite, by a user who may do what docs/logs.md says, and no more. */
describe('the Redis log is a log, with the permissions of docs/logs.md', () => {
  let server: RedisServer
  let url: string
  let usage: RedisUsage
  const streams = new Map<string, string>()
  beforeAll(async () => {
    server = await startRedis()
    url = await documentedUser(server.url)
    usage = new RedisUsage(server.url)
    await usage.watch()
  })
  afterAll(async () => {
    usage.lookAway()
    await server.stop()
  })

  for (const { title, needs, run } of conformance) {
    test(title, async (context) => {
      const harness = redisHarness({ url, foreignUrl: server.url })
      streams.set(title, harness.streamName)
      onTestFinished(() => harness.dispose())
      if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
      if (title === LARGEST) usage.lookAway()
      await run(harness)
      if (title === LARGEST) await usage.watch()
    })
  }

  test('and the smoke part of the suite asks of Redis all that the whole asks', async () => {
    const ofSmoke = redisSmoke.flatMap(({ title }) => streams.get(title) ?? [])
    expect(await usage.of(ofSmoke)).toEqual(await usage.of(streams.values()))
  })
})
