import assert from 'node:assert/strict'
import type { ConsumerGroup, DeadLetter, Delivery, EventLog, NewDeadLetter } from '../port.ts'

/** What there is, without waiting. */
export const NOW = { limit: 100, waitMs: 0 }
export const AN_HOUR_MS = 3_600_000
export const OPERATOR = { by: 'an operator' }

/** All that there is, which the consumer `consumer` of a new group holds. */
export async function handedOutOf(log: EventLog, name: string) {
  const group = log.group(name)
  await group.create('start')
  return { log, group, deliveries: await group.read('consumer', NOW) }
}

export function letterOf(delivery: Delivery | undefined, parts: Partial<NewDeadLetter> = {}): NewDeadLetter {
  assert.ok(delivery)
  const lastError = {
    message: 'Every attempt failed.',
    stack: 'Error: at line 1\n  at line 2',
    pointer: '/data',
    at: 2_000
  }
  return {
    consumer: 'consumer',
    handler: 'handler',
    eventType: 'order_executed',
    payload: delivery.payload,
    kind: 'exhausted',
    attempts: 1,
    firstError: { message: 'The first failed.', at: 1_000 },
    lastError,
    ...parts
  }
}

/** Gives deliveries up. Resolves to the letters of those that were held. */
export async function bury(
  group: ConsumerGroup,
  deliveries: readonly Delivery[],
  letter?: NewDeadLetter
): Promise<DeadLetter[]> {
  const results = await group.settle(
    'consumer',
    deliveries.map(({ messageId, attempt, ...rest }) => ({
      messageId,
      attempt,
      outcome: { kind: 'dead', letter: letter ?? letterOf({ messageId, attempt, ...rest }) }
    }))
  )
  return results.flatMap((result) => (result.kind === 'settled' && result.letter !== undefined ? [result.letter] : []))
}
