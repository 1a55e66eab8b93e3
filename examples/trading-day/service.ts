import type { ConsumeOptions, EventSystem, Handler } from '@tradpal/event-system'

/**
 * How each service of the example consumes: the whole log from its start, one event at a time, under a name of its own, so
 * that a restarted process takes up at once what its predecessor left. Each start counts as an attempt for what was in
 * hand, and being killed is no fault of the event: hence the many attempts.
 */
export const consumeAs = (name: string): ConsumeOptions => ({
  group: name,
  consumer: name,
  from: 'start',
  concurrency: 1,
  maxAttempts: 1_000
})

/**
 * A handler whose failure ends the process. A retry would let the next event overtake the failed one; a process that
 * starts again takes both up in their order.
 */
export function inOrder<Handle extends Handler<never>>(handler: Handle): Handle {
  const orEnd = async (...[event, context]: Parameters<Handle>) => {
    try {
      await handler(event, context)
    } catch (error) {
      console.error(`${context.group} could not handle ${context.messageId} and ends:`, error)
      process.exit(1)
    }
  }
  return orEnd as Handle
}

/** Tells the parent that the service is ready, and resolves when it should end: at a signal, or with its parent. */
export async function untilStopped(system: EventSystem): Promise<void> {
  process.send?.('ready')
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
    process.once('disconnect', () => resolve())
  })
  await system.close({ timeoutMs: 2_000 })
  process.exit(0)
}
