import type { Event } from '@tradpal/events'
import type { Outbox, OutboxPublisher, OutboxStore } from '../../../src/outbox/index.ts'

/** A store in which some methods are replaced. */
export function storeWith<Transaction, Written>(
  store: OutboxStore<Transaction, Written>,
  faults: Partial<OutboxStore<Transaction, Written>>
): OutboxStore<Transaction, Written> {
  return new Proxy(store, {
    get(target, name) {
      const fault = faults[name as keyof typeof faults]
      if (fault !== undefined) return fault
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

/** A publisher that asks `before` first, which may throw. */
export function publisherWith(
  publisher: OutboxPublisher,
  before: (events: readonly Event[]) => unknown
): OutboxPublisher {
  return {
    async publishBatch(events) {
      await before(events)
      return publisher.publishBatch(events)
    }
  }
}

export const never = new Promise<never>(() => {})

/** Starts a relay whose outbox may be closed before the start is answered. Any other failure fails the test. */
export function startUnanswered<Transaction, Written>(outbox: Outbox<Transaction, Written>): void {
  outbox.start().catch((error) => {
    if (error.code !== 'closed') throw error
  })
}
