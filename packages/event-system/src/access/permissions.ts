import { type Event, EventSystemError, knownEventTypes, resolveEventType } from '@tradpal/events'
import { AMENDED_BY } from '../dead-letters/index.ts'
import { ANYBODY, isOperator, owns, type Principal } from './principal.ts'

/** Throws `forbidden` unless the principal has the scope. */
export function mustHave(principal: Principal, scope: string): void {
  if (principal.scopes.allow(scope)) return
  throw forbidden(`${principal.name} lacks the scope ${scope}.`)
}

/**
 * The event as a principal may publish it. An event without a source gets the first source of the principal. `metadata.principal` becomes
 * the name of the principal, and `metadata.amended_by` is removed. For `ANYBODY` only the latter is done, and for an operator nothing.
 * Throws `forbidden` without the scope `publish:<event type>`, and for a source that the principal does not own.
 */
export function publishedBy(principal: Principal, event: Event): Event {
  if (isOperator(principal)) return event
  const metadata = unamended(event)
  if (principal === ANYBODY) return metadata === event.metadata ? event : { ...event, metadata }
  mustHave(principal, `publish:${event.eventType}`)
  const source = event.source === '' ? (principal.sources[0] ?? principal.name) : event.source
  mustOwn(principal, source)
  return { ...event, source, metadata: { ...metadata, principal: principal.name } }
}

/**
 * A check of whether the principal may replace the data of a dead letter, for the option `mayAmend` of `requeue()`: consumers take the
 * new data for that of the event. It throws `forbidden` without the right to read the type, and to publish it from that source.
 */
export function mayAmend(principal: Principal): (event: Event) => void {
  return ({ eventType, source }) => {
    mustHave(principal, `read:${eventType}`)
    mustHave(principal, `publish:${eventType}`)
    mustOwn(principal, source)
  }
}

function mustOwn(principal: Principal, source: string): void {
  if (owns(principal, source)) return
  const own = principal.sources.join(', ')
  throw forbidden(`${principal.name} publishes as ${own}, and not as ${JSON.stringify(source)}.`, '/source')
}

function unamended({ metadata }: Event): Event['metadata'] {
  if (!(AMENDED_BY in metadata)) return metadata
  const { [AMENDED_BY]: _, ...rest } = metadata
  return rest
}

/** Throws `forbidden` unless the principal may publish with this stream key, or there is none. */
export function mustCount(principal: Principal, streamKey: string | undefined): void {
  if (streamKey !== undefined) mustHave(principal, `stream:${streamKey}`)
}

/** As {@link publishedBy}, for the events of a batch. The error has the `index` of the event that is refused. */
export function allPublishedBy(principal: Principal, events: readonly Event[]): Event[] {
  return events.map((event, index) => {
    try {
      return publishedBy(principal, event)
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      throw forbidden(`Event ${index} of the batch: ${error.message}`, `/${index}${error.pointer ?? ''}`, index)
    }
  })
}

/** Whether the principal may read events of this type. */
export function mayRead({ scopes }: Principal, eventType: string): boolean {
  return scopes.allow(`read:${eventType}`)
}

/** Whether the principal may read events of every type. */
export function mayReadAll({ scopes }: Principal): boolean {
  return scopes.allowAll('read')
}

/** Whether the principal may know that a consumer group exists. */
export function mayKnowGroup({ scopes }: Principal, group: string): boolean {
  return scopes.allow('admin:groups') || scopes.allow(`consume:${group}`)
}

/**
 * Whether the principal may see the figures of a consumer group: its lag, and its pending entries. Figures count events of every
 * type, so that a member of the group sees them only when it may read all types.
 */
export function maySeeFigures(principal: Principal, group: string): boolean {
  if (maySeeAllFigures(principal)) return true
  return principal.scopes.allow(`consume:${group}`) && mayReadAll(principal)
}

/** As {@link maySeeFigures}, for every group. */
export function maySeeAllFigures({ scopes }: Principal): boolean {
  return scopes.allow('admin:groups') || scopes.allow('stats')
}

/**
 * The event types that an answer to the principal may hold: the types that it asked for, or else all that it may read; `undefined`
 * stands for every type. Throws `forbidden` for a type that it asked for by name and may not read, and when it may read none.
 */
export function readableTypes(principal: Principal, asked: readonly string[] | undefined): string[] | undefined {
  const named = asked?.filter((name) => name !== '*').map((name) => resolveEventType(name))
  if (mayReadAll(principal)) return asked === undefined ? undefined : [...asked]
  if (asked !== undefined && named?.length === asked.length) {
    for (const name of named) mustHave(principal, `read:${name}`)
    return named
  }
  const readable = knownEventTypes().filter((name) => mayRead(principal, name))
  if (readable.length === 0)
    throw forbidden(`${principal.name} may read no event type: it lacks a scope such as read:trading_signal.`)
  return readable
}

function forbidden(sentence: string, pointer?: string, index?: number): EventSystemError {
  return new EventSystemError('forbidden', sentence, {
    ...(pointer === undefined ? {} : { pointer }),
    ...(index === undefined ? {} : { index })
  })
}
