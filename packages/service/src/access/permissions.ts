import { AMENDED_BY, type Event, EventSystemError, knownEventTypes, resolveEventType } from '@tradpal/event-system'
import { ANYBODY, owns, type Principal } from './principal.ts'

/** Throws `forbidden` unless the principal has the scope. */
export function mustHave(principal: Principal, scope: string): void {
  if (principal.scopes.allow(scope)) return
  throw forbidden(`${principal.name} lacks the scope ${scope}.`)
}

/**
 * An event as it is published for a principal: from a source that it owns, its first one where the event names none, and
 * with its name as `metadata.principal`, whatever the event says there. An event that is published was amended by nobody. Throws
 * `forbidden`.
 */
export function publishedBy(principal: Principal, event: Event): Event {
  const metadata = unamended(event)
  if (principal === ANYBODY) return metadata === event.metadata ? event : { ...event, metadata }
  mustHave(principal, `publish:${event.eventType}`)
  const source = event.source === '' ? (principal.sources[0] ?? principal.name) : event.source
  mustOwn(principal, source)
  return { ...event, source, metadata: { ...metadata, principal: principal.name } }
}

/**
 * Throws `forbidden` unless the principal may say what an event says: other data under its type and its source is as good as an event
 * that was published so.
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

/** Throws `forbidden` unless the principal may count up this stream key. */
export function mustCount(principal: Principal, streamKey: string | undefined): void {
  if (streamKey !== undefined) mustHave(principal, `stream:${streamKey}`)
}

/** As {@link publishedBy}, of the events of a batch: what is refused names its index. */
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

export function mayRead({ scopes }: Principal, eventType: string): boolean {
  return scopes.allow(`read:${eventType}`)
}

export function mayReadAll({ scopes }: Principal): boolean {
  return scopes.allowAll('read')
}

/** Whether the principal may see how a consumer group stands. */
export function mayKnowGroup({ scopes }: Principal, group: string): boolean {
  return scopes.allow('admin:groups') || scopes.allow(`consume:${group}`)
}

/**
 * Whether the principal may see the figures of a consumer group: its lag, and what is pending. They tell of events of every
 * type. A member of the group sees them when it may read all of those.
 */
export function maySeeFigures(principal: Principal, group: string): boolean {
  if (maySeeAllFigures(principal)) return true
  return principal.scopes.allow(`consume:${group}`) && mayReadAll(principal)
}

/** As {@link maySeeFigures}, of every group. */
export function maySeeAllFigures({ scopes }: Principal): boolean {
  return scopes.allow('admin:groups') || scopes.allow('stats')
}

/**
 * The event types that an answer may hold: those that were asked for, or else all that the principal may read; `undefined`
 * for every type there is. Throws `forbidden` for one that was asked for by name and may not be read, and where there is none.
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
