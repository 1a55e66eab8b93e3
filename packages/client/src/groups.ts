import type * as Api from '@tradpal/event-api'
import {
  EventSystemError,
  type GroupChangeOptions,
  onlyOptions,
  type PendingEvent,
  type PullSettings,
  type PullSettingsChange
} from '@tradpal/events'
import { type GroupInfo, groupOf, groupsOf, pendingEventsOf, pullSettingsOf } from './answers/index.ts'
import { bodyOf, type Instant, idSegment, instant, queryOf } from './query.ts'
import type { Transport } from './transport.ts'

/** The consumer groups, and what an operator can do about them. */
export class Groups {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** How every group stands, by name. */
  async list(): Promise<GroupInfo[]> {
    return await this.#transport.json({ method: 'GET', path: '/groups', repeat: 'always' }, groupsOf)
  }

  /** Rejects with `not_found`. */
  async get(name: string): Promise<GroupInfo> {
    return await this.#transport.json({ method: 'GET', path: groupPath(name), repeat: 'always' }, groupOf)
  }

  /**
   * A page of what is pending, in log order. At most `limit`, 1 to 1,000, default 100. Rejects with `not_found`, and with
   * `forbidden` when the caller may not see it.
   */
  async pending(
    name: string,
    page: { readonly after?: string; readonly limit?: number } = {}
  ): Promise<PendingEvent[]> {
    onlyOptions('pending()', page, { after: true, limit: true })
    const query = queryOf<Api.GroupQuery>({ after: page.after, limit: page.limit })
    const request = { method: 'GET', path: groupPath(name), query, repeat: 'always' } as const
    const pending = await this.#transport.json(request, pendingEventsOf)
    if (pending !== null) return pending
    const sentence = 'What is pending in a group is shown to callers with the scope stats, admin:groups or read:*.'
    throw new EventSystemError('forbidden', sentence)
  }

  /**
   * Moves a group: what it hands out next is what stands behind a message id, at an instant or later, or at an end of the
   * log. What is pending stays pending. Rejects with `not_found`, with `group_conflict` while members live, unless
   * `force`, and with `invalid_argument` for a place that is not there yet.
   */
  async seek(name: string, to: Instant, options: GroupChangeOptions = {}): Promise<void> {
    onlyOptions('seek()', options, { force: true })
    const body = bodyOf<Api.SeekRequest>({ to: placeOf('to', to), force: options.force })
    await this.#transport.text({ method: 'POST', path: `${groupPath(name)}/seek`, body, repeat: 'always' })
  }

  /**
   * Drops a group, its place and what is pending in it; its dead letters stay. Rejects with `not_found`, and with
   * `group_conflict` while members live or events are pending, unless `force`. It is attempted once.
   */
  async remove(name: string, options: GroupChangeOptions = {}): Promise<void> {
    onlyOptions('remove()', options, { force: true })
    const query = queryOf<Api.RemoveGroupQuery>({ force: options.force === true ? 'true' : undefined })
    await this.#transport.text({ method: 'DELETE', path: groupPath(name), query, repeat: 'never' })
  }

  /**
   * Changes which event types are pulled from a group, and how often an event may fail; those who then pull with others are
   * refused. Resolves to the settings as they are then. Rejects with `not_found`, `invalid_argument` and `unknown_event_type`.
   */
  async changePulling(name: string, change: PullSettingsChange): Promise<PullSettings> {
    onlyOptions('changePulling()', change, { eventTypes: true, maxAttempts: true })
    const { eventTypes, maxAttempts } = change
    const types = eventTypes === null ? ['*'] : eventTypes
    const body = bodyOf<Api.PullSettingsChange>({ event_types: types, max_attempts: maxAttempts })
    return await this.#transport.json(
      { method: 'PATCH', path: groupPath(name), body, repeat: 'always' },
      pullSettingsOf
    )
  }

  /**
   * Makes another key sign the ids of deliveries. Deliveries that are under way can still be settled; after a second rotation
   * they cannot. It is attempted once: another attempt could be a second rotation.
   */
  async rotateDeliveryKey(): Promise<void> {
    await this.#transport.text({ method: 'POST', path: '/delivery-key/rotate', repeat: 'never' })
  }
}

/** Throws `invalid_argument` for `.` and `..`, which every URL takes for steps of its path, encoded or not. */
export function groupPath(name: string): string {
  if (name === '.' || name === '..') {
    const sentence = `No path of a service names a group that is called ${name}: look after it with the tools of the server that keeps the log.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  return `/groups/${idSegment('group', name)}`
}

/** A place as the service takes it: `start`, `end`, `new`, a message id or a time, which a text says by itself. */
export function placeOf(name: string, place: Instant): string {
  return typeof place === 'string' ? place : (instant(name, place) as string)
}
