import type * as Api from '@tradpal/event-api'
import type { ApiKey, IssuedApiKey, ListedApiKey } from '@tradpal/events'
import { field, list, optional, orNull, reader, text, time } from './reading.ts'

const fields = {
  id: text,
  name: text,
  scopes: list(text<string>),
  sources: optional(list(text<string>)),
  created_at: time,
  created_by: text,
  expires_at: orNull(time),
  revoked_at: orNull(time)
}

export const apiKeyOf = reader<Api.ApiKey, ApiKey>(fields)

const listedApiKeyOf = reader<Api.ListedApiKey, ListedApiKey>({ ...fields, last_used_at: orNull(time) })
export const apiKeysOf = field<Api.ApiKeyList, ListedApiKey[]>('keys', list(listedApiKeyOf))

const keyOf = field<Api.IssuedApiKey, string>('key', text)
export function issuedApiKeyOf(body: unknown): IssuedApiKey {
  return { key: keyOf(body), apiKey: apiKeyOf(body) }
}
