import type * as Api from '@tradpal/event-api'
import {
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterCause,
  type DeadLetterKind,
  type JsonObject,
  type OptionNames,
  onlyOptions
} from '@tradpal/events'
import {
  deadLetterActionsOf,
  deadLetterCausesOf,
  deadLetterCountOf,
  deadLetterOf,
  deadLettersOf,
  type RequeueResult,
  requeueResultOf
} from './answers/index.ts'
import { bodyOf, type Instant, idSegment, instant, queryOf } from './query.ts'
import type { Transport } from './transport.ts'

/** Which letters: every condition that is given must hold. */
export interface DeadLetterFilter {
  /** Only those of this consumer group. Default: of all. */
  readonly group?: string
  readonly eventType?: string
  /** Only those that this handler gave up. */
  readonly handler?: string
  readonly kind?: DeadLetterKind
  /** Only those of this cause. */
  readonly fingerprint?: string
  /** Put there at this instant or later. */
  readonly since?: Instant
  /** Put there at this instant or earlier. */
  readonly until?: Instant
}

const FILTER_OPTIONS: OptionNames<DeadLetterFilter> = {
  group: true,
  eventType: true,
  handler: true,
  kind: true,
  fingerprint: true,
  since: true,
  until: true
}

export interface DeadLetterQuery extends DeadLetterFilter {
  /** Letters behind the letter of this id. */
  readonly after?: string
  /** At most so many. Default: the service's. */
  readonly limit?: number
}

export interface RequeueOptions {
  /** Who does it, for the record. Default: the service's word for a caller over HTTP. */
  readonly by?: string
  /** The group gets the event with this data; the log keeps what it has. */
  readonly data?: JsonObject
}

export interface RequeueAllOptions {
  /** Who does it, for the record. Default: the service's word for a caller over HTTP. */
  readonly by?: string
  /** Only says how many match. Default false. */
  readonly dryRun?: boolean
  /** At most so many in this call, 1 to 10,000. Default 1,000. */
  readonly limit?: number
  /** As an earlier call said in `next`: how many are still to be moved, and behind which letter they are. */
  readonly expected?: number
  readonly after?: string
}

/** The entries that consumer groups gave up on, oldest first. */
export class DeadLetters {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async list(query: DeadLetterQuery = {}): Promise<DeadLetter[]> {
    onlyOptions('list()', query, { ...FILTER_OPTIONS, after: true, limit: true })
    const { after, limit, ...filter } = query
    return await this.#get(
      '',
      deadLettersOf,
      queryOf<Api.DeadLetterQuery>({ ...filterParameters(filter), after, limit })
    )
  }

  /** How many letters match. */
  async count(filter: DeadLetterFilter = {}): Promise<number> {
    onlyOptions('count()', filter, FILTER_OPTIONS)
    return await this.#get(
      '',
      deadLetterCountOf,
      queryOf<Api.DeadLetterQuery>({ ...filterParameters(filter), limit: 1 })
    )
  }

  /** The letters by cause: how many have it, and the oldest. A service answers only causes of events that the caller may read. */
  async causes(filter: Pick<DeadLetterFilter, 'group'> = {}): Promise<DeadLetterCause[]> {
    onlyOptions('causes()', filter, { group: true })
    return await this.#get('/causes', deadLetterCausesOf, queryOf<Api.DeadLetterCauseQuery>({ group: filter.group }))
  }

  /** Rejects with `not_found` when there is no such letter. */
  async get(id: string): Promise<DeadLetter> {
    return await this.#get(`/${idSegment('id', id)}`, deadLetterOf)
  }

  /**
   * Puts the entry back to the group that failed and removes the letter. Rejects with `not_found` when there is no such
   * letter, with `entry_trimmed` when its entry has left the log, and with `invalid_data` when the data cannot be the
   * event's. It is attempted once: after a lost answer a second attempt would say `not_found` of a letter that was put back.
   */
  async requeue(id: string, options: RequeueOptions = {}): Promise<void> {
    onlyOptions('requeue()', options, { by: true, data: true })
    await this.#send('POST', `/${idSegment('id', id)}/requeue`, bodyOf<Api.RequeueRequest>(options))
  }

  /**
   * Puts back those that match, in one call at most `limit`. An empty filter means all. What the result says in `next`
   * goes on with the rest: `until` over the filter, the others over the options. It is attempted once.
   */
  async requeueAll(filter: DeadLetterFilter, options: RequeueAllOptions = {}): Promise<RequeueResult> {
    onlyOptions('requeueAll()', filter, FILTER_OPTIONS)
    onlyOptions('requeueAll()', options, { by: true, dryRun: true, limit: true, expected: true, after: true })
    const matching = filterParameters(filter)
    const isEmpty = Object.values(matching).every((value) => value === undefined)
    const { by, dryRun, limit, expected, after } = options
    const all = isEmpty ? true : undefined
    const body = bodyOf<Api.RequeueAllRequest>({ ...matching, all, by, dry_run: dryRun, limit, expected, after })
    return requeueResultOf(JSON.parse(await this.#send('POST', '/requeue', body)))
  }

  /** Removes the letter for good. Rejects with `not_found`. It is attempted once. */
  async discard(id: string, options: { readonly reason: string; readonly by?: string }): Promise<void> {
    onlyOptions('discard()', options, { reason: true, by: true })
    await this.#send('DELETE', `/${idSegment('id', id)}`, bodyOf<Api.DiscardRequest>(options))
  }

  /** What operators did to letters, oldest first. */
  async actions(page: { readonly after?: string; readonly limit?: number } = {}): Promise<DeadLetterAction[]> {
    onlyOptions('actions()', page, { after: true, limit: true })
    return await this.#get(
      '/actions',
      deadLetterActionsOf,
      queryOf<Api.DeadLetterActionQuery>({ after: page.after, limit: page.limit })
    )
  }

  async #get<T>(path: string, read: (body: unknown) => T, query = new URLSearchParams()): Promise<T> {
    return await this.#transport.json({ method: 'GET', path: `/dead-letters${path}`, query, repeat: 'always' }, read)
  }

  async #send(method: 'POST' | 'DELETE', path: string, body: string): Promise<string> {
    const request = { method, path: `/dead-letters${path}`, body, repeat: 'never' } as const
    return await this.#transport.text(request)
  }
}

function filterParameters({ group, eventType, handler, kind, fingerprint, since, until }: DeadLetterFilter) {
  return {
    group,
    event_type: eventType,
    handler,
    kind,
    fingerprint,
    since: instant('since', since),
    until: instant('until', until)
  }
}
