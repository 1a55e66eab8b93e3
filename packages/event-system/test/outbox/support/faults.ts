import type { Event } from '@tradpal/events'
import type { OutboxPublisher, OutboxStore } from '../../../src/outbox/index.ts'
import type { Logger } from '../../../src/runtime/index.ts'

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

/** What was logged: level, message and details. */
export function recordingLogger(): { logger: Logger; logged: [level: string, message: string, details: object][] } {
  const logged: [string, string, object][] = []
  const at = (level: string) => (details: object, message: string) => void logged.push([level, message, details])
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger
  }
  return { logger, logged }
}
