import type * as Api from '@tradpal/event-api'
import type { ApiKey } from '@tradpal/event-client'
import { formatTimestamp } from '@tradpal/events'

/** A key for machines, as the service answers it. */
export function keyDocument({
  id,
  name,
  scopes,
  sources,
  createdAt,
  createdBy,
  expiresAt,
  revokedAt
}: ApiKey): Api.ApiKey {
  return {
    id,
    name,
    scopes: [...scopes],
    ...(sources === undefined ? {} : { sources: [...sources] }),
    created_at: formatTimestamp(createdAt),
    created_by: createdBy,
    expires_at: timeOrNull(expiresAt),
    revoked_at: timeOrNull(revokedAt)
  }
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : formatTimestamp(ms)
}
