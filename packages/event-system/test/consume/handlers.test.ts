import { EventType } from '@tradpal/events'
import { expect, test } from 'vitest'
import { batchHandler, HandlerRegistry } from '../../src/consume/index.ts'

const nothing = () => {}

test('a type has the handlers that name it, alone, in a list or by *, in the order of registration', () => {
  const registry = new HandlerRegistry()
  const names = ['all', 'signal', 'list', 'order']
  const [all, signal, list, order] = names.map((name) => Object.assign(() => {}, { called: name }))
  registry.register('*', all ?? nothing)
  registry.register(EventType.TRADING_SIGNAL, signal ?? nothing)
  registry.register([EventType.TRADING_SIGNAL, EventType.ORDER_EXECUTED], list ?? nothing)
  registry.register(EventType.ORDER_EXECUTED, order ?? nothing)
  const handlersOf = (type: string) => registry.for(type).map(({ handler }) => handler)
  expect(handlersOf('trading_signal')).toEqual([all, signal, list])
  expect(handlersOf('order_executed')).toEqual([all, list, order])
  expect(handlersOf('risk_alert')).toEqual([all])
})

test('the function that registering returns takes that registration back, and no other of the same handler', () => {
  const registry = new HandlerRegistry()
  const takeBack = registry.register('risk_alert', nothing)
  registry.register('risk_alert', nothing)
  expect(registry.for('risk_alert')).toHaveLength(2)
  takeBack()
  takeBack()
  expect(registry.for('risk_alert')).toHaveLength(1)
})

test('types that others make up do not pile up: after 1,000 further ones, the handlers of a type are looked for again', () => {
  const registry = new HandlerRegistry()
  registry.register('*', nothing)
  const remembered = registry.for('made_up')
  expect(registry.for('made_up')).toBe(remembered)
  for (let i = 0; i < 1_000; i++) registry.for(`made_up_${i}`)
  expect(registry.for('made_up')).not.toBe(remembered)
  expect(registry.for('made_up')).toEqual(remembered)
})

test('a type that nobody knows, no type at all and what is no function are refused', () => {
  const registry = new HandlerRegistry()
  const code = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'accepted'
  }
  expect(code(() => registry.register('trading_signl' as string, nothing))).toBe('unknown_event_type')
  expect(code(() => registry.register([], nothing))).toBe('invalid_argument')
  expect(code(() => registry.register('risk_alert', 'handler' as never))).toBe('invalid_argument')
  expect(registry.size).toBe(0)
})

test.each([
  [{ retries: 3 }, /retries is no option of registerHandler\(\); its options are name, maxAttempts/],
  [{ name: '' }, /name must be 1 to 200 characters, got ""/],
  [{ name: 'n'.repeat(201) }, /name must be 1 to 200 characters, got "n{100}…"\.$/],
  [{ backoff: { initialMs: 200, maxMs: 100 } }, /backoff\.initialMs must be at most backoff\.maxMs \(100\), got 200/],
  [{ retryOn: 'timeout' }, /retryOn must be a function, got "timeout"/],
  [{ idempotent: 'yes' }, /idempotent must be true or false, got "yes"/],
  [null, /registerHandler\(\) takes an object with options \(.*\), got null/]
])('a registration with %o is refused in a sentence, and leaves no handler', (options, sentence) => {
  const registry = new HandlerRegistry()
  const register = () => registry.register('risk_alert', nothing, options as never)
  expect(register).toThrow(
    expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(sentence) })
  )
  expect(registry.size).toBe(0)
})

test.each([
  [5, {}, 'invalid_argument', /must be a function, got number/],
  [
    async () => [],
    { size: 5 },
    'invalid_options',
    /size is no option of batchHandler\(\); its options are maxSize, maxWaitMs/
  ],
  [async () => [], { maxSize: 0 }, 'invalid_options', /maxSize must be a whole number of at least 1, got 0/],
  [
    async () => [],
    { maxWaitMs: Infinity },
    'invalid_options',
    /maxWaitMs must be a number of ms from 0 to \d+, got Infinity/
  ]
])('a batch handler of %o with %o is refused', (handleAll, options, code, sentence) => {
  const make = () => batchHandler(handleAll as never, options as never)
  expect(make).toThrow(expect.objectContaining({ code, message: expect.stringMatching(sentence) }))
})
