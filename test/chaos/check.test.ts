import { expect, test } from 'vitest'
import { check, faultsFound, type LogEntry } from './check.ts'
import type { Answer, Entry } from './diary.ts'

const WINDOW_MS = 1_000

let at = 0
const line = (what: Answer['what'], number: number, more: Partial<Entry> = {}): Entry => {
  return { what, publisher: 'one', key: 'A', number, eventId: `A${number}`, at: ++at, ...more }
}
const published = (number: number): Entry => line('published', number, { messageId: `${number}-0` })
const entry = (number: number, more: Partial<LogEntry> = {}): LogEntry => {
  return { messageId: `${number}-0`, eventId: `A${number}`, publisher: 'one', key: 'A', number, ...more }
}

function verdictOn(diary: readonly Entry[], log: readonly LogEntry[], leftInSpools = {}) {
  return check({ diary, log, deduplicationWindowMs: WINDOW_MS, leftInSpools })
}

function found(...evidence: Parameters<typeof verdictOn>): string[] {
  return faultsFound(verdictOn(...evidence))
}

test('a run in which all went well has no findings', () => {
  const diary = [
    line('offered', 1),
    published(1),
    line('offered', 2),
    line('offered', 3),
    line('spooled', 2),
    line('unknown', 3),
    line('offered', 3),
    line('offered', 3),
    published(3),
    line('offered', 4),
    line('refused', 4),
    line('given up', 4)
  ]
  const verdict = verdictOn(diary, [entry(1), entry(2), entry(3)])
  expect(faultsFound(verdict)).toEqual([])
  expect(verdict).toMatchObject({ events: 3, promised: 3, spooled: 1, refused: 1, givenUp: 1, unknown: 1, cutShort: 1 })
})

test('what was promised, in the log or in a spool, and is not in the log is missing', () => {
  expect(found([line('offered', 1), published(1)], [])).toEqual(['missing: 1'])
  expect(found([line('offered', 1), line('spooled', 1)], [])).toEqual(['missing: 1'])
  expect(found([line('offered', 1), line('unknown', 1)], [])).toEqual([])
})

test('an event that stands in the log twice is doubled, but as documented', () => {
  const twice = [entry(1), entry(1, { messageId: '9-0' })]
  expect(found([line('offered', 1), published(1)], twice)).toEqual(['doubled: 1'])
  const again = (afterMs: number, what: 'unknown' | 'refused') => {
    const first = line('offered', 1)
    return [first, line(what, 1), line('offered', 1, { at: first.at + afterMs }), published(1)]
  }
  expect(found(again(WINDOW_MS - 1, 'unknown'), twice)).toEqual(['doubled: 1'])
  expect(found(again(WINDOW_MS, 'refused'), twice)).toEqual(['doubled: 1'])
  expect(found(again(WINDOW_MS, 'unknown'), twice)).toEqual([])
  expect(verdictOn(again(WINDOW_MS, 'unknown'), twice).againAfterTheWindow).toBe(1)
  const afterADeath = [line('offered', 1), line('offered', 1), line('spooled', 1)]
  expect(found(afterADeath, [entry(1), entry(1, { messageId: `${WINDOW_MS}-0` })])).toEqual(['doubled: 1'])
  expect(found(afterADeath, [entry(1), entry(1, { messageId: `${WINDOW_MS + 1}-0` })])).toEqual([])
})

test('an event that was promised before another was offered stands before it', () => {
  const oneByOne = [line('offered', 1), line('spooled', 1), line('offered', 2), published(2)]
  expect(found(oneByOne, [entry(2), entry(1)])).toEqual(['out of order: 1'])
  expect(found(oneByOne, [entry(2), entry(1, { key: 'B' })])).toEqual([])
})

test('of two that are under way at once the first stands first, unless one had to be offered again', () => {
  const atOnce = [line('offered', 1), line('offered', 2), line('spooled', 2), line('spooled', 1)]
  expect(found(atOnce, [entry(2), entry(1)])).toEqual(['out of order: 1'])
  const again = [
    line('offered', 1),
    line('offered', 2),
    published(2),
    line('refused', 1),
    line('offered', 1),
    published(1)
  ]
  expect(found(again, [entry(2), entry(1)])).toEqual([])
})

test('what stands elsewhere than told, was refused, is of nobody, or is left in a spool is found', () => {
  const elsewhere = [entry(1, { messageId: '7-0' })]
  expect(found([line('offered', 1), published(1)], elsewhere)).toEqual(['elsewhere than told: 1'])
  const givenUp = [line('offered', 1), line('refused', 1), line('given up', 1)]
  expect(found(givenUp, [entry(1)])).toEqual(['written though refused: 1'])
  expect(found([], [entry(1)])).toEqual(['of nobody: 1'])
  expect(found([], [], { one: 2, other: 0 })).toEqual(['left in the spool: 1'])
})
