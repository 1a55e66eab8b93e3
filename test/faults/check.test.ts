import { expect, test } from 'vitest'
import { check, type Evidence, type FindingName, type LogEntry } from './check.ts'
import type { Entry } from './diary.ts'

const event = (number: number, key = 'A'): LogEntry => ({ messageId: `${number}-0`, what: 'event', key, number })
const effect = (number: number, key = 'A'): LogEntry => ({ messageId: `${number}-1`, what: 'effect', key, number })
const accepted = (number: number, key = 'A'): Entry => ({ what: 'accepted', key, number, messageId: `${number}-0` })
const handling = (what: 'begun' | 'done' | 'failed', number: number, token = 1, key = 'A'): Entry => {
  return { what, key, number, messageId: `${number}-0`, attempt: 1, token, consumer: 'one' }
}
const handled = (number: number, token = 1, key = 'A') => [
  handling('begun', number, token, key),
  handling('done', number, token, key)
]

function found(diary: Entry[], log: LogEntry[]) {
  const { findings, ...numbers } = check({ diary, log, deadLetters: 0 } satisfies Evidence)
  const named = Object.entries(findings).filter(([, names]) => names.length > 0)
  return { ...numbers, findings: Object.fromEntries(named) as Partial<Record<FindingName, string[]>> }
}

test('a run in which all went well has no findings', () => {
  const verdict = found(
    [accepted(1), accepted(2), accepted(1, 'B'), ...handled(1), ...handled(1, 1, 'B'), ...handled(2)],
    [event(1), event(1, 'B'), event(2), effect(1), effect(1, 'B'), effect(2)]
  )
  expect(verdict).toEqual({
    events: 3,
    handlings: 3,
    redeliveries: 0,
    failures: 0,
    late: 0,
    deadLetters: 0,
    findings: {}
  })
})

test('an event that the log has and no handler finished is lost', () => {
  const log = [event(1), event(2), effect(1), effect(2)]
  expect(found([accepted(1), accepted(2), ...handled(1)], log).findings).toEqual({ lost: ['A 2'] })
  expect(found([...handled(1), handling('begun', 2), handling('failed', 2)], log).findings).toEqual({ lost: ['A 2'] })
})

test('an event that was accepted and is not in the log was forgotten', () => {
  expect(found([accepted(1), accepted(2), ...handled(1)], [event(1), effect(1)]).findings).toEqual({
    'forgotten by the log': ['A 2']
  })
})

test('an event that is begun before the one before it in its key is done is out of order', () => {
  const log = [event(1), event(2), effect(1), effect(2)]
  expect(found([...handled(2), ...handled(1)], log).findings).toEqual({ 'out of order': ['A 2'] })
  const atOnce = [handling('begun', 1), handling('begun', 2), handling('done', 1), handling('done', 2)]
  expect(found(atOnce, log).findings).toEqual({ 'out of order': ['A 2'] })
  expect(found([...handled(1), ...handled(2), ...handled(1)], log).findings).toEqual({})
})

test('effects that are missing, doubled or in another order than their events are found', () => {
  const diary = [...handled(1), ...handled(2)]
  const events = [event(1), event(2)]
  expect(found(diary, [...events, effect(2)]).findings).toEqual({ 'effects missing': ['A 1'] })
  expect(found(diary, [...events, effect(1), effect(1), effect(2)]).findings).toEqual({ 'effects doubled': ['A 1'] })
  expect(found(diary, [...events, effect(2), effect(1)]).findings).toEqual({ 'effects out of order': ['A 1'] })
})

test('redeliveries, failures and late owners are counted', () => {
  const diary = [
    handling('begun', 1),
    handling('failed', 1),
    ...handled(1),
    ...handled(1, 2),
    handling('begun', 1, 1),
    ...handled(2, 2)
  ]
  expect(found(diary, [event(1), event(2), effect(1), effect(2)])).toMatchObject({
    handlings: 5,
    redeliveries: 2,
    failures: 1,
    late: 1,
    findings: {}
  })
})
