import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { conformance } from '../../src/log/conformance/index.ts'
import { documentedUser } from './documented-user.ts'
import { redisHarness } from './redis-harness.ts'

/** The whole suite, by a user who may do what docs/logs.md says, and no more. */
describe('the Redis log with a stream for each event type is a log, with the permissions of docs/logs.md', () => {
  let server: RedisServer
  let url: string
  beforeAll(async () => {
    server = await startRedis()
    url = await documentedUser(server.url)
  })
  afterAll(() => server.stop())

  for (const { title, needs, run } of conformance) {
    test(title, async (context) => {
      const harness = redisHarness({ url, foreignUrl: server.url, partitioning: 'type' })
      onTestFinished(() => harness.dispose())
      if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})
