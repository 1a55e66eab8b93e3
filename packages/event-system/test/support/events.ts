import { createEvent, type Event, EventType, encodeEvent } from '@tradpal/events'
import type { EventLog, Unit } from '../../src/log/index.ts'

/** A signal to buy; its number, when given, is its price. */
export function signal(symbol = 'AAPL', price = 1): Event<'trading_signal'> {
  return createEvent(EventType.TRADING_SIGNAL, { symbol, signal: 'BUY', price }, { source: 'test' })
}

export function signals(count: number): Event<'trading_signal'>[] {
  return Array.from({ length: count }, (_, i) => signal('AAPL', i))
}

/** Appends events past the publisher. */
export async function append(log: EventLog, ...events: readonly Event[]): Promise<string[]> {
  const entries = events.map((event) => ({
    eventId: event.eventId,
    eventType: event.eventType,
    payload: encodeEvent(event)
  }))
  return (await log.append(entries)).map(({ messageId }) => messageId)
}

/** When the log took entries that are there, ms since the epoch. */
export async function timesOf(log: EventLog, messageIds: readonly string[]): Promise<number[]> {
  return (await log.get(messageIds)).map((entry) => entry?.appendedAt ?? Number.NaN)
}

/** Whether a group of either kind has nothing pending and nothing left to hand out. */
export async function isGroupSettled(log: EventLog, group: string): Promise<boolean> {
  const { groups } = await log.info()
  return groups.some(({ name, pending, lag }) => name === group && pending === 0 && lag === 0)
}

/** Whether a unit says what became of a delivery, and not where a group stands. */
export function isSettling({ acknowledge, attach }: Unit): boolean {
  return acknowledge !== undefined || attach !== undefined
}

/** A handle on the log in which some methods are replaced: how a failure is injected between the library and a real log. */
export function withFaults(log: EventLog, faults: Partial<EventLog>): EventLog {
  return new Proxy(log, {
    get(target, name) {
      const value = name in faults ? faults[name as keyof EventLog] : Reflect.get(target, name)
      return typeof value === 'function' && !(name in faults) ? value.bind(target) : value
    }
  })
}
