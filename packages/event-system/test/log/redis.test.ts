import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import { conformance } from '../../src/log/conformance/index.ts'
import { redisHarnesses } from './redis-harness.ts'

describe.each(['none', 'type'] as const)('the Redis log is a log, partitioned by %s', (partitioning) => {
  let harnesses: Awaited<ReturnType<typeof redisHarnesses>>
  beforeAll(async () => {
    harnesses = await redisHarnesses(partitioning)
  })
  afterAll(() => harnesses.stop())

  for (const { title, needs, run } of conformance) {
    test(title, async (context) => {
      const harness = harnesses.next()
      onTestFinished(() => harness.dispose())
      if (needs?.(harness.features) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})
