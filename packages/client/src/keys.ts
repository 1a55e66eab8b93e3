import type * as Api from '@tradpal/event-api'
import { type ApiKey, type IssuedApiKey, type ListedApiKey, onlyOptions } from '@tradpal/events'
import { apiKeyOf, apiKeysOf, issuedApiKeyOf } from './answers/index.ts'
import { bodyOf, type Instant, idSegment, instant } from './query.ts'
import type { Transport } from './transport.ts'

export interface NewApiKey {
  /** The principal whose key it is: the name of a service. */
  readonly name: string
  /** What it may do, beside what the service's policy gives the principal: `publish:trading_signal`, `read:*`. Default: nothing more. */
  readonly scopes?: readonly string[]
  /** As which sources it publishes. Default: as the policy says, or its name. */
  readonly sources?: readonly string[]
  /** When it ends. Default: never. */
  readonly expiresAt?: Instant
}

/** The API keys of the service, for who may make them. */
export class ApiKeys {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All of them, the oldest first. */
  async list(): Promise<ListedApiKey[]> {
    return await this.#transport.json({ method: 'GET', path: '/keys', repeat: 'always' }, apiKeysOf)
  }

  /** Makes a key. Rejects with `forbidden` for scopes that the caller has not itself, and with `invalid_argument`. It is attempted once. */
  async create(wanted: NewApiKey): Promise<IssuedApiKey> {
    onlyOptions('create()', wanted, { name: true, scopes: true, sources: true, expiresAt: true })
    const { name, scopes, sources, expiresAt } = wanted
    const expires_at = expiresAt === undefined ? undefined : instant('expiresAt', expiresAt)
    const body = bodyOf<Api.NewApiKey>({ name, scopes, sources, expires_at })
    return await this.#transport.json({ method: 'POST', path: '/keys', body, repeat: 'never' }, issuedApiKeyOf)
  }

  /** Makes a key like another, which ends `overlapMs` later: a day, unless it says otherwise. Rejects with `not_found`. It is attempted once. */
  async rotate(id: string, options: { readonly overlapMs?: number } = {}): Promise<IssuedApiKey> {
    onlyOptions('rotate()', options, { overlapMs: true })
    const body = bodyOf<Api.KeyRotation>({ overlap_ms: options.overlapMs })
    const path = `${keyPath(id)}/rotate`
    return await this.#transport.json({ method: 'POST', path, body, repeat: 'never' }, issuedApiKeyOf)
  }

  /** Ends a key at once, on every instance of the service. Rejects with `not_found`. */
  async revoke(id: string): Promise<ApiKey> {
    return await this.#transport.json({ method: 'DELETE', path: keyPath(id), repeat: 'always' }, apiKeyOf)
  }
}

function keyPath(id: string): string {
  return `/keys/${idSegment('id', id)}`
}
