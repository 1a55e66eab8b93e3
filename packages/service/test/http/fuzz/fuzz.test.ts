import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

test('500 requests and entries of any bytes: no answer is a 5xx or fails to come, and nothing grows', async () => {
  const { statuses, grownBytes, grownHandles } = await fuzz({ cases: 500, seed: Date.now() })

  for (const status of ['200', '400', '401', '404'])
    expect(statuses.get(status) ?? 0, `answers of ${status}`).toBeGreaterThan(5)
  expect(grownBytes).toBeLessThan(32 * 1_048_576)
  expect(grownHandles).toBeLessThanOrEqual(10)
}, 60_000)
