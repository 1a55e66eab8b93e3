import {
  defineEventType,
  type EventOf,
  EventType,
  type InvalidEvent,
  type JsonObject,
  type StoredEvent,
  type ValidEvent
} from '@tradpal/events'
import { expectTypeOf, it } from 'vitest'
import type { EventSystem } from '../../src/event-system.ts'
import type { EventRange, EventStore } from '../../src/store/index.ts'
import type { TestSystem } from '../../src/testing/index.ts'

type Signal = ValidEvent<'trading_signal'> | InvalidEvent<'trading_signal'>
type Order = ValidEvent<'order_executed'> | InvalidEvent<'order_executed'>
type Any = ValidEvent | InvalidEvent
type Place = { readonly streamKey: string; readonly version: number }

// Nothing below is run: `npm run types` is the test.
it('types events by the event type that is asked for', () => {
  const typed = async (store: EventStore, system: EventSystem, test: TestSystem, range: EventRange) => {
    const eventType = EventType.TRADING_SIGNAL
    const both = [EventType.TRADING_SIGNAL, EventType.ORDER_EXECUTED] as const
    for (const reader of [store, system]) {
      expectTypeOf(await reader.getEvents({ eventType })).toEqualTypeOf<Signal[]>()
      expectTypeOf(await reader.getEvents({ eventType: both, limit: 1 })).toEqualTypeOf<(Signal | Order)[]>()
      expectTypeOf(await reader.getEvents({ eventType: [EventType.TRADING_SIGNAL] })).toEqualTypeOf<Signal[]>()
      expectTypeOf(await reader.getEvents()).toEqualTypeOf<Any[]>()
      expectTypeOf(await reader.getEvents({ limit: 1 })).toEqualTypeOf<Any[]>()
      expectTypeOf(await reader.getEvents(range)).toEqualTypeOf<Any[]>()
      expectTypeOf(await reader.getEvents({ eventType: '*' })).toEqualTypeOf<Any[]>()
      expectTypeOf(await reader.getEvents({ eventType: 'order_cancelled' as string })).toEqualTypeOf<Any[]>()
      // @ts-expect-error: the type is called trading_signal
      await reader.getEvents({ eventType: 'trading_signl' })
      // @ts-expect-error: one of the types is called trading_signal
      await reader.getEvents({ eventType: ['order_executed', 'trading_signl'] })
      expectTypeOf(reader.readEvents({ eventType, symbol: 'AAPL' })).toExtend<AsyncIterable<Signal>>()
      expectTypeOf(reader.readEvents()).toEqualTypeOf<AsyncIterable<Any>>()
      expectTypeOf(reader.readStream('account-7')).toEqualTypeOf<AsyncIterable<Any & Place>>()
      expectTypeOf(reader.readStream('account-7', { raw: true })).toEqualTypeOf<AsyncIterable<StoredEvent & Place>>()
      await reader.replayEvents({ eventType }, (event) => expectTypeOf(event).toEqualTypeOf<Signal>())
      await reader.replayEvents({}, (event) => expectTypeOf(event).toEqualTypeOf<Any>())
      await reader.replayEvents({ eventType }, (_event: Any) => {})
    }
    for await (const event of store.replay({ eventType: both })) {
      if (!event.valid) {
        expectTypeOf(event.data).toEqualTypeOf<JsonObject>()
        expectTypeOf(event.fault.pointer).toEqualTypeOf<string>()
      } else if (event.eventType === EventType.TRADING_SIGNAL) {
        expectTypeOf(event.data.signal).toEqualTypeOf<'BUY' | 'SELL' | 'HOLD'>()
      } else expectTypeOf(event.data.quantity).toEqualTypeOf<number>()
    }
    for await (const { events } of store.follow('start', { eventType })) {
      expectTypeOf(events).toEqualTypeOf<readonly Signal[]>()
    }
    expectTypeOf(await test.published(eventType)).toEqualTypeOf<Signal[]>()
    expectTypeOf(await test.published()).toEqualTypeOf<Any[]>()
    expectTypeOf<EventOf<string>>().toEqualTypeOf<Any>()
    expectTypeOf(await store.getEvents({ eventType, raw: true })).toEqualTypeOf<StoredEvent[]>()
    expectTypeOf(await store.getEvent('1-0')).toEqualTypeOf<Any | undefined>()
    expectTypeOf((await store.lineage('1-0')).causes).toEqualTypeOf<readonly Any[]>()
    // @ts-expect-error: a signal has no such figure
    expectTypeOf((await store.getEvents({ eventType }))[0]?.data.signal).toEqualTypeOf<number>()
  }
  expectTypeOf(typed).toBeFunction()
})

const orderAmended = defineEventType({
  name: 'order_amended_typed',
  schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } }
})

it('types handlers by their event types', () => {
  const typed = (system: EventSystem) => {
    system.registerHandler('order_executed', (event) => {
      const side: 'BUY' | 'SELL' = event.data.side
      // @ts-expect-error: the field is called price
      return void [side, event.data.prise]
    })
    system.registerHandler('trading_signal', (event) => {
      // @ts-expect-error: the field is called confidence
      event.data.confidnce
    })
    // @ts-expect-error: the type is called trading_signal
    system.registerHandler('trading_signl', () => {})
    // @ts-expect-error: one of the types is called trading_signal
    system.registerHandler(['order_executed', 'trading_signl'], () => {})
    system.registerHandler(['order_executed', 'trading_signal'], (event) => {
      if (event.eventType === 'trading_signal') expectTypeOf(event.data.signal).toEqualTypeOf<'BUY' | 'SELL' | 'HOLD'>()
      else expectTypeOf(event.data.side).toEqualTypeOf<'BUY' | 'SELL'>()
    })
    system.registerHandler('backtest_complete', (event) => {
      expectTypeOf(event).toEqualTypeOf<StoredEvent<'backtest_completed'>>()
    })
    system.registerHandler('order_executed', (event) => void expectTypeOf(event).toEqualTypeOf<StoredEvent>(), {
      accepts: 'any'
    })
    system.registerHandler('*', (event) => void expectTypeOf(event).toEqualTypeOf<StoredEvent>())
    system.registerHandler(
      'of_configuration' as string,
      (event) => void expectTypeOf(event).toEqualTypeOf<StoredEvent>()
    )
    system.registerHandler(orderAmended, (event) => {
      expectTypeOf(event.data.order_id).toEqualTypeOf<string>()
      // @ts-expect-error: the field is called order_id
      event.data.odrer_id
    })
  }
  expectTypeOf(typed).toBeFunction()
})

it('types queries of a defined type', () => {
  const typed = async (system: EventSystem) => {
    const [event] = await system.getEvents({ eventType: orderAmended })
    if (event?.valid) expectTypeOf(event.data.order_id).toEqualTypeOf<string>()
  }
  expectTypeOf(typed).toBeFunction()
})
