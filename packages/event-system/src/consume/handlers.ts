import {
  type BackoffOptions,
  EventSystemError,
  type EventTypeFilter,
  type OptionNames,
  onlyOptions,
  resolveEventType,
  type StoredEventOf
} from '@tradpal/events'
import { LRUCache } from 'lru-cache'
import { choice, duration, shown, wholeNumber, wrong } from '../runtime/index.ts'
import type { HandlerContext } from './context.ts'
import { checkedBackoff } from './option-values.ts'

/** Which events a handler takes: {@link HandlerOptions.accepts}. */
export type Accepted = 'valid' | 'any'

/** Handles one event. When it throws, or its promise rejects, the event is tried again. What it returns otherwise does not matter. */
export type Handler<T extends string = string, A extends Accepted = 'valid'> = (
  event: StoredEventOf<A extends 'valid' ? T : string>,
  context: HandlerContext
) => unknown

/** How one handler is tried, where it differs from its consumer. */
export interface HandlerOptions<A extends Accepted = Accepted> {
  /** 1 to 200 characters, unique in its system, and the same in every process and version: it tells who is done with an event, also after a restart. Default: the function's name, else `handler-1`, `handler-2`, … in the order of registration. */
  readonly name?: string
  /** How often it may fail before the event goes to the dead letters. Default: the consumer's. */
  readonly maxAttempts?: number
  /** The wait before each retry. Default: the consumer's. */
  readonly backoff?: BackoffOptions
  /** Whether trying again can help against an error. Where it returns false, the event goes to the dead letters at once. Default: always. */
  readonly retryOn?: (error: unknown) => boolean
  /** A run that takes longer has failed with `handler_timeout`, in ms: its signal is aborted, and what it does after that does not count. Default: none. */
  readonly timeoutMs?: number
  /**
   * `valid`: only events whose data fit the newest version of their type, upcast to it; another goes to the dead letters at
   * once. `any`: each event as it is stored, whatever its data, which are not typed. Default `valid`, and for `'*'` `any`.
   */
  readonly accepts?: A
  /** Remembers, by group and event id, that the handler is done, for as long as the log keeps its ledger: the same event published or handed out once more does not run it again. Default false. */
  readonly idempotent?: boolean
}

/** One registration. */
export interface Registration extends HandlerOptions {
  readonly name: string
  readonly accepts: Accepted
  readonly types: ReadonlySet<string> | '*'
  readonly handler: Handler
}

/** The ledger names the steps of a handler by its name and the event's id: both have to fit the id of a document. */
const LONGEST_NAME = 200

/** Any writer of the log can make types up. Of more types than this, the handlers are looked up again. */
const MOST_TYPES = 1_000

/** Who handles what. */
export class HandlerRegistry {
  #registrations: readonly Registration[] = []
  #unnamed = 0
  readonly #byType = new LRUCache<string, readonly Registration[]>({ max: MOST_TYPES })

  /**
   * Registers a handler for a type, for several, or for all (`'*'`). Returns the function that takes it back. Throws
   * `unknown_event_type` for a type that nobody registered, `invalid_argument` for what is no function and for a name
   * that is taken, and `invalid_options`.
   */
  register<T extends string, A extends Accepted = 'valid'>(
    asked: EventTypeFilter<T>,
    handler: Handler<T, A>,
    options: HandlerOptions<A> = {}
  ): () => void {
    if (typeof asked !== 'string' && !Array.isArray(asked)) {
      const sentence = `registerHandler() takes an event type, a list of them or '*', and then the handler; got ${shown(asked)} as the type.`
      throw new EventSystemError('invalid_argument', sentence)
    }
    if (typeof handler !== 'function') {
      throw new EventSystemError('invalid_argument', `A handler must be a function, got ${shown(handler)}.`)
    }
    const names: readonly string[] = typeof asked === 'string' ? [asked] : asked
    if (names.length === 0)
      throw new EventSystemError('invalid_argument', "Name at least one event type, or '*' for all.")
    const types = names.includes('*') ? '*' : new Set(names.map((name) => resolveEventType(name)))
    const registration: Registration = {
      ...checkedOptions(options),
      types,
      accepts: acceptedBy(types, options),
      handler: handler as Handler,
      name: this.#nameFor(handler, options)
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

  #nameFor(handler: Handler<never>, options: HandlerOptions): string {
    const isTaken = (name: string) => this.#registrations.some((other) => other.name === name)
    if (options.name !== undefined) {
      if (!isTaken(options.name)) return options.name
      throw new EventSystemError(
        'invalid_argument',
        `There is a handler named ${options.name} already; choose another.`
      )
    }
    if (isHandlerName(handler.name) && !isTaken(handler.name)) return handler.name
    do this.#unnamed++
    while (isTaken(`handler-${this.#unnamed}`))
    return `handler-${this.#unnamed}`
  }

  #change(registrations: readonly Registration[]): void {
    this.#registrations = registrations
    this.#byType.clear()
  }
}

function isHandlerName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME
}

/** A handler for all types cannot know the data of each. */
function acceptedBy(types: Registration['types'], { accepts }: HandlerOptions): Accepted {
  if (types !== '*') return accepts ?? 'valid'
  if (accepts === 'valid') throw wrong('accepts', "'any' for a handler of '*', or left out", accepts)
  return 'any'
}

const OPTIONS: OptionNames<HandlerOptions> = {
  name: true,
  maxAttempts: true,
  backoff: true,
  retryOn: true,
  timeoutMs: true,
  accepts: true,
  idempotent: true
}

function checkedOptions(options: HandlerOptions): HandlerOptions {
  onlyOptions('registerHandler()', options, OPTIONS)
  const { name, accepts, maxAttempts, backoff, retryOn, timeoutMs, idempotent } = options
  if (name !== undefined && !isHandlerName(name)) throw wrong('name', `1 to ${LONGEST_NAME} characters`, name)
  if (accepts !== undefined) choice('accepts', accepts, ['valid', 'any'])
  if (maxAttempts !== undefined) wholeNumber('maxAttempts', maxAttempts, 1)
  if (timeoutMs !== undefined) duration('timeoutMs', timeoutMs, 1)
  if (retryOn !== undefined && typeof retryOn !== 'function') throw wrong('retryOn', 'a function', retryOn)
  if (idempotent !== undefined && typeof idempotent !== 'boolean')
    throw wrong('idempotent', 'true or false', idempotent)
  return backoff === undefined ? options : { ...options, backoff: checkedBackoff(backoff) }
}
