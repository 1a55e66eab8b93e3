import { expect, test } from 'vitest'
import { refusal } from './refusal.ts'

test('data is checked where the host forbids making code from text', async () => {
  const original = globalThis.Function
  globalThis.Function = class {
    constructor() {
      throw new EvalError('forbidden')
    }
  } as unknown as FunctionConstructor
  try {
    const { createEvent, validateData } = await import('@tradpal/events')
    expect(createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' }).data.symbol).toBe('BTC/USDT')
    expect(refusal(() => validateData('trading_signal', { symbol: '', signal: 'BUY' })).pointer).toBe('/data/symbol')
  } finally {
    globalThis.Function = original
  }
})
