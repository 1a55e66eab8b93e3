import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { EventSystemError } from './errors.ts'
import { checkAll } from './faults.ts'
import { validateData } from './registry.ts'
import { fromWire } from './wire.ts'
import { decodeEvents } from './wire-batch.ts'

const signal = { event_type: 'trading_signal', data: { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.5 } }

describe('an event with several faults', () => {
  test.each<[what: string, wire: object, code: string, pointers: string[]]>([
    [
      'two wrong data',
      { ...signal, data: { symbol: 'X', signal: 'UP', confidence: 2 } },
      'invalid_data',
      ['/data/signal', '/data/confidence']
    ],
    ['two missing data', { ...signal, data: {} }, 'invalid_data', ['/data/symbol', '/data/signal']],
    ['a missing type and a wrong source', { source: 5 }, 'invalid_event', ['/event_type', '/source']],
    [
      'every part wrong',
      { event_type: 'nope', event_id: '', timestamp: 'today', source: 1, data: [], metadata: [] },
      'unknown_event_type',
      ['/event_type', '/event_id', '/timestamp', '/source', '/data', '/metadata']
    ],
    [
      'a wrong timestamp and wrong data',
      { ...signal, timestamp: 'today', data: { symbol: '', signal: 'BUY' } },
      'invalid_event',
      ['/timestamp', '/data/symbol']
    ]
  ])('names each of them: %s', (_what, wire, code, pointers) => {
    const error = refusal(() => fromWire(wire, { complete: true }))

    expect(error).toMatchObject({ code, pointer: pointers[0] })
    expect(error.errors?.map(({ pointer }) => pointer)).toEqual(pointers)
    for (const { detail } of error.errors ?? []) expect(error.message).toContain(detail)
  })

  test('has no list when there is one fault', () => {
    expect(refusal(() => fromWire({ ...signal, source: 5 }, { complete: true })).errors).toBeUndefined()
  })

  test('in a batch is named by its index, and each pointer goes from the root of the array', () => {
    const error = refusal(() => decodeEvents(JSON.stringify([signal, { ...signal, data: {} }]), { complete: true }))

    expect(error).toMatchObject({ index: 1, pointer: '/1/data/symbol' })
    expect(error.errors?.map(({ pointer }) => pointer)).toEqual(['/1/data/symbol', '/1/data/signal'])
  })

  test('lists at most ten', () => {
    const symbols = Array.from({ length: 50 }, () => 1)
    const parts = { event_id: '', timestamp: 'x', source: 1, metadata: [] }
    const wire = { ...parts, event_type: 'multi_symbol_backtest_request', data: { symbols } }

    expect(refusal(() => fromWire(wire, { complete: true })).errors).toHaveLength(10)
  })
})

test('checkAll runs no check after the tenth fault', () => {
  let runs = 0
  const checks = Array.from({ length: 1_000 }, (_, i) => () => {
    runs += 1
    throw new EventSystemError('invalid_argument', 'It is wrong.', { pointer: `/${i}` })
  })

  expect(refusal(() => checkAll(checks)).errors).toHaveLength(10)
  expect(runs).toBe(10)
})

describe('a name that is misspelt', () => {
  test.each<[what: string, run: () => unknown, sentence: RegExp]>([
    [
      'in camelCase, of the event',
      () => fromWire({ eventType: 'trading_signal' }),
      /^event_type is missing; "eventType" must be written event_type\./
    ],
    [
      'by a letter, of the event',
      () => fromWire({ event_typ: 'trading_signal' }),
      /^event_type is missing; "event_typ" must be written event_type\./
    ],
    [
      'with a capital, of the data',
      () => validateData('trading_signal', { Symbol: 'X', signal: 'BUY' }),
      /^data\.symbol of a trading_signal is missing \(.*\); "Symbol" must be written symbol\.$/
    ],
    [
      'not at all alike',
      () => validateData('trading_signal', { instrument: 'X', signal: 'BUY' }),
      /^data\.symbol of a trading_signal is missing \(.*\)\.$/
    ],
    [
      'behind a hundred other names',
      () =>
        fromWire({ ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field_${i}`, i])), eventType: 'x' }),
      /^event_type is missing\. /
    ]
  ])('is named beside the one that is missing: %s', (_what, run, sentence) => {
    expect(refusal(run).message).toMatch(sentence)
  })
})
