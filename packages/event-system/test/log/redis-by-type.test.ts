import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import { conformance } from '../../src/log/conformance/index.ts'
import { redisHarnesses } from './redis-harness.ts'

describe('the Redis log with a stream for each event type is a log', () => {
  let harnesses: Awaited<ReturnType<typeof redisHarnesses>>
  beforeAll(async () => {
    harnesses = await redisHarnesses({ partitioning: 'type' })
  })
  afterAll(() => harnesses.stop())

  for (const { title, needs, run } of conformance) {
    test(title, async (context) => {
      const harness = harnesses.next()
      onTestFinished(() => harness.dispose())
      if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})
