import { expect, test } from 'vitest'
import { FakeClock } from '../testing/index.ts'
import { Occurrences } from './occurrences.ts'

test('what happens again is told at once, and then once a minute with all that came between', () => {
  const clock = new FakeClock()
  const occurrences = new Occurrences(clock)

  expect([occurrences.add('a'), occurrences.add('a'), occurrences.add('a', 2), occurrences.add('b')]).toEqual([
    1, 0, 0, 1
  ])
  clock.advance(60_000)
  expect(occurrences.add('a')).toBe(4)
})

test('beyond 1,000 kinds in a minute further ones count as one, and have room again when the minute is over', () => {
  const clock = new FakeClock()
  const occurrences = new Occurrences(clock)
  for (let i = 0; i < 1_000; i++) occurrences.add(`kind ${i}`)

  expect([occurrences.add('further'), occurrences.add('another'), occurrences.add('kind 0')]).toEqual([1, 0, 0])
  clock.advance(60_000)
  expect([occurrences.add('further'), occurrences.add('another')]).toEqual([1, 1])
})
