import { createEvent, type Event, EventType } from '@tradpal/events'
import { entryOfStamped, plainCodec } from '../../src/codec/index.ts'
import type { Log, Storage, Unit } from '../../src/log/index.ts'

/** A signal to buy; its number, when given, is its price. */
export function signal(symbol = 'AAPL', price = 1): Event<'trading_signal'> {
  return createEvent(EventType.TRADING_SIGNAL, { symbol, signal: 'BUY', price }, { source: 'test' })
}

export function signals(count: number): Event<'trading_signal'>[] {
  return Array.from({ length: count }, (_, i) => signal('AAPL', i))
}

/** Appends events past the publisher. */
export async function append(storage: Storage, ...events: readonly Event[]): Promise<string[]> {
  const entries = events.map((event) => entryOfStamped(event, plainCodec))
  return (await storage.log.append(entries)).map(({ messageId }) => messageId)
}

/** When the log took entries that are there, ms since the epoch. */
export async function timesOf(storage: Storage, messageIds: readonly string[]): Promise<number[]> {
  return (await storage.log.get(messageIds)).map((entry) => entry?.appendedAt ?? Number.NaN)
}

/** Whether a group of either kind has nothing pending and nothing left to hand out. */
export async function isGroupSettled(storage: Storage, group: string): Promise<boolean> {
  const { groups } = await storage.log.info()
  return groups.some(({ name, pending, lag }) => name === group && pending === 0 && lag === 0)
}

/** Whether a unit says what became of a delivery, and not where a group stands. */
export function isSettling({ acknowledge, attach }: Unit): boolean {
  return acknowledge !== undefined || attach !== undefined
}

type Faults = Partial<Omit<Storage, 'log'> & Log>

/** A handle on a storage in which some methods of it or of its log are replaced: how a failure is injected between the library and a real log. */
export function withFaults(storage: Storage, faults: Faults): Storage {
  return replaced({ ...faults, log: replaced(faults, storage.log) }, storage)
}

function replaced<T extends object>(faults: object, target: T): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in faults) return Reflect.get(faults, name)
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
