import { type EventOf, EventType, type StoredEvent } from '@tradpal/events'
import { expectTypeOf, it } from 'vitest'
import type { EventSystem } from '../../src/event-system.ts'
import type { EventRange, EventStore } from '../../src/store/index.ts'
import type { TestSystem } from '../../src/testing/index.ts'

type Signal = StoredEvent<'trading_signal'>
type Order = StoredEvent<'order_executed'>

// Nothing below is run: `npm run types` is the test.
it('types events by the event type that is asked for', () => {
  const typed = async (store: EventStore, system: EventSystem, test: TestSystem, range: EventRange) => {
    const eventType = EventType.TRADING_SIGNAL
    const both = [EventType.TRADING_SIGNAL, EventType.ORDER_EXECUTED] as const
    for (const reader of [store, system]) {
      expectTypeOf(await reader.getEvents({ eventType })).toEqualTypeOf<Signal[]>()
      expectTypeOf(await reader.getEvents({ eventType: both, limit: 1 })).toEqualTypeOf<(Signal | Order)[]>()
      expectTypeOf(await reader.getEvents({ eventType: [EventType.TRADING_SIGNAL] })).toEqualTypeOf<Signal[]>()
      expectTypeOf(await reader.getEvents()).toEqualTypeOf<StoredEvent[]>()
      expectTypeOf(await reader.getEvents({ limit: 1 })).toEqualTypeOf<StoredEvent[]>()
      expectTypeOf(await reader.getEvents(range)).toEqualTypeOf<StoredEvent[]>()
      expectTypeOf(await reader.getEvents({ eventType: '*' })).toEqualTypeOf<StoredEvent[]>()
      expectTypeOf(await reader.getEvents({ eventType: 'order_cancelled' })).toEqualTypeOf<StoredEvent[]>()
      expectTypeOf(reader.readEvents({ eventType, symbol: 'AAPL' })).toExtend<AsyncIterable<Signal>>()
      expectTypeOf(reader.readEvents()).toEqualTypeOf<AsyncIterable<StoredEvent>>()
      await reader.replayEvents({ eventType }, (event) => expectTypeOf(event).toEqualTypeOf<Signal>())
      await reader.replayEvents({}, (event) => expectTypeOf(event).toEqualTypeOf<StoredEvent>())
      await reader.replayEvents({ eventType }, (_event: StoredEvent) => {})
    }
    for await (const event of store.replay({ eventType: both })) {
      if (event.eventType === EventType.TRADING_SIGNAL)
        expectTypeOf(event.data.signal).toEqualTypeOf<Signal['data']['signal']>()
      else expectTypeOf(event.data.quantity).toEqualTypeOf<number>()
    }
    for await (const { events } of store.follow('start', { eventType })) {
      expectTypeOf(events).toEqualTypeOf<readonly Signal[]>()
    }
    expectTypeOf(await test.published(eventType)).toEqualTypeOf<Signal[]>()
    expectTypeOf(await test.published()).toEqualTypeOf<StoredEvent[]>()
    expectTypeOf<EventOf<string>>().toEqualTypeOf<StoredEvent>()
    // @ts-expect-error: a signal has no such figure
    expectTypeOf((await store.getEvents({ eventType }))[0]?.data.signal).toEqualTypeOf<number>()
  }
  expectTypeOf(typed).toBeFunction()
})
