import { timestampMs } from '@tradpal/events'
import { listOf, partsOf, textOf, textOrNull, textsOf } from './parts.ts'

/** An API key, without the key itself: that is shown only when it is made. */
export interface ApiKey {
  readonly id: string
  /** The principal whose key it is. */
  readonly name: string
  /** What it may do, beside what the service's policy gives the principal. */
  readonly scopes: readonly string[]
  /** As which sources it publishes. Left out: as the policy says, or its name. */
  readonly sources?: readonly string[]
  /** ms since the epoch, as all times here. */
  readonly createdAt: number
  readonly createdBy: string
  /** `null`: never. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** A key that was just made. */
export interface IssuedApiKey {
  /** It is shown this once. */
  readonly key: string
  readonly apiKey: ApiKey
}

export interface ListedApiKey extends ApiKey {
  /** To the minute; `null` when it never was. */
  readonly lastUsedAt: number | null
}

export function apiKeysOf(body: unknown): ListedApiKey[] {
  return listOf(body, 'keys').map((key) => ({ ...apiKeyOf(key), lastUsedAt: instantOrNull(key, 'last_used_at') }))
}

export function issuedApiKeyOf(body: unknown): IssuedApiKey {
  return { key: textOf(body, 'key'), apiKey: apiKeyOf(body) }
}

export function apiKeyOf(value: unknown): ApiKey {
  return {
    id: textOf(value, 'id'),
    name: textOf(value, 'name'),
    scopes: textsOf(value, 'scopes'),
    ...(partsOf(value).sources === undefined ? {} : { sources: textsOf(value, 'sources') }),
    createdAt: timestampMs(textOf(value, 'created_at')),
    createdBy: textOf(value, 'created_by'),
    expiresAt: instantOrNull(value, 'expires_at'),
    revokedAt: instantOrNull(value, 'revoked_at')
  }
}

function instantOrNull(value: unknown, key: string): number | null {
  const text = textOrNull(value, key)
  return text === null ? null : timestampMs(text)
}
