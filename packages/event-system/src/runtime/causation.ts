import { AsyncLocalStorage } from 'node:async_hooks'
import type { Event } from '@tradpal/events'

const handledEvent = new AsyncLocalStorage<Event>()

/** Runs `work` as the handling of `event`: what is published inside, however deep in callbacks, has it as its cause. */
export function runAsCause<Result>(event: Event, work: () => Result): Result {
  return handledEvent.run(event, work)
}

/** The event whose handling this call is a part of. */
export function causeOfThisCall(): Event | undefined {
  return handledEvent.getStore()
}
