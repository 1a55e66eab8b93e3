import {
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
      expectTypeOf(await reader.getEvents({ eventType: 'order_cancelled' })).toEqualTypeOf<Any[]>()
      expectTypeOf(reader.readEvents({ eventType, symbol: 'AAPL' })).toExtend<AsyncIterable<Signal>>()
      expectTypeOf(reader.readEvents()).toEqualTypeOf<AsyncIterable<Any>>()
      await reader.replayEvents({ eventType }, (event) => expectTypeOf(event).toEqualTypeOf<Signal>())
      await reader.replayEvents({}, (event) => expectTypeOf(event).toEqualTypeOf<Any>())
      await reader.replayEvents({ eventType }, (_event: Any) => {})
    }
    for await (const event of store.replay({ eventType: both })) {
      if (!event.valid) {
        expectTypeOf(event.data).toEqualTypeOf<JsonObject>()
        expectTypeOf(event.fault.pointer).toEqualTypeOf<string>()
      } else if (event.eventType === EventType.TRADING_SIGNAL) expectTypeOf(event.data.signal).toEqualTypeOf<string>()
      else expectTypeOf(event.data.quantity).toEqualTypeOf<number>()
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
