import { type GroupInfo, groupOf, groupsOf, type PendingEvent, pendingEventsOf } from './answers/index.ts'
import { type Instant, idSegment, instant, queryOf } from './query.ts'
import type { Transport } from './transport.ts'

export interface GroupChangeOptions {
  /** Also while members live, or events are pending. Default false. */
  readonly force?: boolean
}

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

  /** A page of what is pending, in log order. At most `limit`, 1 to 1,000, default 100. Rejects with `not_found`. */
  async pending(
    name: string,
    { after, limit }: { readonly after?: string; readonly limit?: number } = {}
  ): Promise<PendingEvent[]> {
    const query = queryOf({ after, limit })
    return await this.#transport.json(
      { method: 'GET', path: groupPath(name), query, repeat: 'always' },
      pendingEventsOf
    )
  }

  /**
   * Moves a group: what it hands out next is what stands behind a message id, at an instant or later, or at an end of the
   * log. What is pending stays pending. Rejects with `not_found`, with `group_conflict` while members live, unless
   * `force`, and with `invalid_argument` for a place that is not there yet.
   */
  async seek(name: string, to: Instant, { force }: GroupChangeOptions = {}): Promise<void> {
    const body = JSON.stringify({ to: placeOf('to', to), force })
    await this.#transport.text({ method: 'POST', path: `${groupPath(name)}/seek`, body, repeat: 'always' })
  }

  /**
   * Drops a group, its place and what is pending in it; its dead letters stay. Rejects with `not_found`, and with
   * `group_conflict` while members live or events are pending, unless `force`. It is attempted once.
   */
  async remove(name: string, { force = false }: GroupChangeOptions = {}): Promise<void> {
    const query = queryOf(force ? { force: 'true' } : {})
    await this.#transport.text({ method: 'DELETE', path: groupPath(name), query, repeat: 'never' })
  }
}

export function groupPath(name: string): string {
  return `/groups/${idSegment('group', name)}`
}

/** A place as the service takes it: `start`, `end`, `new`, a message id or a time, which a text says by itself. */
export function placeOf(name: string, place: Instant): string {
  return typeof place === 'string' ? place : (instant(name, place) as string)
}
