import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { conformance } from '../../src/log/conformance/index.ts'
import { documentedUser } from './documented-user.ts'
import { redisHarness } from './redis-harness.ts'

/** They list every lease or cursor of a log: here those of the index are among them. */
const LISTS_ALL =
  /^(leases|info: has every cursor|cursors: a name may|partitioned: the log lists|partitioned: groups whose names)/

/** The whole suite, by a user who may do what docs/logs.md says, and no more. */
describe('the Redis log with an index is a log, with the permissions of docs/logs.md', () => {
  let server: RedisServer
  let url: string
  beforeAll(async () => {
    server = await startRedis()
    url = await documentedUser(server.url)
  })
  afterAll(() => server.stop())

  for (const { title, needs, run } of conformance.filter(({ title }) => !LISTS_ALL.test(title))) {
    test(title, async (context) => {
      const harness = redisHarness({ url, foreignUrl: server.url, isIndexed: true })
      onTestFinished(() => harness.dispose())
      if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})
