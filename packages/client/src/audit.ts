import type * as Api from '@tradpal/event-api'
import { type OptionNames, onlyOptions } from '@tradpal/events'
import {
  type AuditEntry,
  type AuditVerification,
  auditEntriesOf,
  auditHeadOf,
  auditVerificationOf
} from './answers/index.ts'
import { type Instant, instant, queryOf } from './query.ts'
import type { Transport } from './transport.ts'

/** Which entries: every condition that is given must hold. */
export interface AuditQuery {
  readonly principal?: string
  readonly action?: string
  /** Taken by the audit log at this instant or later. */
  readonly since?: Instant
  /** Taken by the audit log at this instant or earlier. */
  readonly until?: Instant
  /** Only what was refused. Default false. */
  readonly refused?: boolean
  /** Behind the entry of this message id. Not together with `since`. */
  readonly after?: string
  /** At most so many, 1 to 1,000. Default: the service's, 100. */
  readonly limit?: number
}

const NAMES: OptionNames<AuditQuery> = {
  principal: true,
  action: true,
  since: true,
  until: true,
  refused: true,
  after: true,
  limit: true
}

export interface VerifyOptions {
  /** A head that was kept: what stood there then must stand there still. */
  readonly head?: string
  /** Whether an audit log without entries is right. Default false: it is `empty`. */
  readonly allowEmpty?: boolean
  readonly timeoutMs?: number
}

/** Who did what. Every call rejects with `not_found` where the service keeps no audit log. */
export class AuditTrail {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** In order: with `since` or `after` the first entries from there that match, without the newest. */
  async list(query: AuditQuery = {}): Promise<AuditEntry[]> {
    onlyOptions('list()', query, NAMES)
    const { since, until, refused, ...others } = query
    const parameters = queryOf<Api.AuditQuery>({
      ...others,
      since: instant('since', since),
      until: instant('until', until),
      refused: refused === true ? 'true' : undefined
    })
    return await this.#get('', auditEntriesOf, parameters)
  }

  /** `<seq>:<hash>` of the last entry: to be kept elsewhere, and verified against. */
  async head(): Promise<string> {
    return await this.#get('/head', auditHeadOf)
  }

  /** Has the service walk all entries. Rejects with `invalid_argument` for a head that is none. */
  async verify(options: VerifyOptions = {}) {
    onlyOptions('verify()', options, { head: true, allowEmpty: true, timeoutMs: true })
    const { head, allowEmpty, timeoutMs } = options
    const query = queryOf<Api.AuditVerificationQuery>({ head, allow_empty: allowEmpty === true ? 'true' : undefined })
    return await this.#get<AuditVerification>('/verification', auditVerificationOf, query, timeoutMs)
  }

  async #get<T>(
    path: string,
    read: (body: unknown) => T,
    query = new URLSearchParams(),
    timeoutMs?: number
  ): Promise<T> {
    return await this.#transport.json(
      { method: 'GET', path: `/audit${path}`, query, repeat: 'always', timeoutMs },
      read
    )
  }
}
