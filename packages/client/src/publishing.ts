import type * as Api from '@tradpal/event-api'
import { type Event, EventSystemError, onlyOptions } from '@tradpal/events'
import { queryOf } from './query.ts'
import type { ServiceRequest } from './transport.ts'

export interface PublishOptions {
  /** Whether the spool of the service will do while its log is away, where it has one: else it rejects with `log_unavailable`. Default `never`. */
  readonly spool?: 'allowed' | 'never'
  /** Of what the event is, or each event of the batch: an account, an order. It is counted with each. Such a publish never goes into the spool. 1 to 200 characters, none of them a control character. */
  readonly streamKey?: string
  /** Publishes only if the key still has this version, else rejects with `version_conflict`, nothing written: 0 for a key that must be new. Default: whatever it has. */
  readonly expectedVersion?: number
}

/** The request that publishes a body. Throws `invalid_options`. */
export function publication(path: string, body: string, options: PublishOptions): ServiceRequest {
  onlyOptions('publish()', options, { spool: true, streamKey: true, expectedVersion: true })
  const { spool = 'never', streamKey, expectedVersion } = options
  const headers = spool === 'allowed' ? { prefer: 'respond-async' } : {}
  const query = queryOf<Api.PublishQuery>({ stream_key: streamKey, expected_version: expectedVersion })
  return { method: 'POST', path, query, body, headers, repeat: 'deduplicated' }
}

/** An event without an id would get a new one from the service with every attempt. */
export function assertId(event: Event | null | undefined, index?: number): void {
  const eventId = event?.eventId
  if (typeof eventId === 'string' && eventId !== '') return
  const [name, place] =
    index === undefined ? ['The event', {}] : [`Event ${index}`, { index, pointer: `/${index}/event_id` }]
  throw new EventSystemError('invalid_event', `${name} has no eventId; make it with createEvent.`, {
    pointer: '/event_id',
    ...place
  })
}

export function assertList(events: unknown): void {
  if (Array.isArray(events)) return
  throw new EventSystemError('invalid_argument', 'A batch must be a list of events; publishEvent() takes one event.')
}
