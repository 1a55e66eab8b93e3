import { FakeClock } from '@tradpal/event-system/testing'
import { expect, test } from 'vitest'
import { VerifiedTokens } from './verified-tokens.ts'

test('no more than 10,000 are remembered, and the oldest are forgotten first', () => {
  const clock = new FakeClock()
  const tokens = new VerifiedTokens<number>(clock)
  for (let i = 0; i < 10_002; i++) tokens.add(String(i), i, Number.POSITIVE_INFINITY)

  expect([0, 1, 2, 10_001].map((i) => tokens.get(String(i)))).toEqual([undefined, undefined, 2, 10_001])
})

test('each is remembered for a minute, and not when it has expired', async () => {
  const clock = new FakeClock()
  const tokens = new VerifiedTokens<number>(clock)
  tokens.add('long', 1, clock.now() + 3_600_000)
  tokens.add('short', 2, clock.now() + 1_000)

  await clock.advance(999)
  expect([tokens.get('long'), tokens.get('short')]).toEqual([1, 2])
  await clock.advance(1)
  expect([tokens.get('long'), tokens.get('short')]).toEqual([1, undefined])
  await clock.advance(58_999)
  expect(tokens.get('long')).toBe(1)
  await clock.advance(1)
  expect(tokens.get('long')).toBeUndefined()
})
