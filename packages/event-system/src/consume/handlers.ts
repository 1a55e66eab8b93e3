import { EventSystemError, type EventType, resolveEventType, type StoredEvent } from '@tradpal/events'
import type { Logger } from '../runtime/index.ts'

/** What a handler knows about the delivery of its event. */
export interface HandlerContext {
  readonly messageId: string
  readonly group: string
  readonly consumer: string
  /** 1 when the event is handed out for the first time. */
  readonly attempt: number
  /** Aborted when this consumer has lost the event to another, or when closing has run out of time: what is done after that does not count. */
  readonly signal: AbortSignal
  /** Writes with the message id, the event's id and type, group and consumer. */
  readonly logger: Logger
}

/** Handles one event. When it throws, or its promise rejects, the event is tried again. */
export type Handler<T extends string = string> = (
  event: StoredEvent<T>,
  context: HandlerContext
) => void | Promise<void>

/** One registration. Its identity tells which handlers of an event are done already. */
export interface Registration {
  readonly types: ReadonlySet<string> | '*'
  readonly handler: Handler
}

/** Who handles what. */
export class HandlerRegistry {
  #registrations: readonly Registration[] = []
  readonly #byType = new Map<string, readonly Registration[]>()

  /**
   * Registers a handler for a type, for several, or for all (`'*'`). Returns the function that takes it back. Throws
   * `unknown_event_type` for a type that nobody registered.
   */
  register<T extends EventType>(types: T | readonly T[], handler: Handler<T>): () => void
  register(types: string | readonly string[], handler: Handler): () => void
  register(types: string | readonly string[], handler: Handler<never>): () => void {
    if (typeof handler !== 'function') {
      throw new EventSystemError('invalid_argument', `A handler must be a function, got ${typeof handler}.`)
    }
    const names = typeof types === 'string' ? [types] : types
    if (names.length === 0)
      throw new EventSystemError('invalid_argument', "Name at least one event type, or '*' for all.")
    const registration: Registration = {
      types: names.includes('*') ? '*' : new Set(names.map((name) => resolveEventType(name))),
      handler: handler as Handler
    }
    this.#change([...this.#registrations, registration])
    return () => this.#change(this.#registrations.filter((other) => other !== registration))
  }

  get size(): number {
    return this.#registrations.length
  }

  /** In the order in which they were registered. */
  for(eventType: string): readonly Registration[] {
    const known = this.#byType.get(eventType)
    if (known !== undefined) return known
    const found = this.#registrations.filter(({ types }) => types === '*' || types.has(eventType))
    this.#byType.set(eventType, found)
    return found
  }

  #change(registrations: readonly Registration[]): void {
    this.#registrations = registrations
    this.#byType.clear()
  }
}
