import Type, { type Static } from 'typebox'
import { closed, orNull, time } from './parts.ts'

const apiKey = {
  id: Type.String(),
  name: Type.String({ description: 'The principal whose key it is.' }),
  scopes: Type.Array(Type.String(), { description: 'Beside what the policy gives the principal.' }),
  sources: Type.Optional(Type.Array(Type.String(), { description: 'As which it publishes. Default: its name.' })),
  created_at: time('When it was made.'),
  created_by: Type.String(),
  expires_at: orNull(time('When it ends; null: never.')),
  revoked_at: orNull(time('When it was revoked.'))
}

export const ApiKey = Type.Object(apiKey, { title: 'ApiKey', description: 'An API key, without the key itself.' })
export type ApiKey = Static<typeof ApiKey>

export const IssuedApiKey = Type.Object(
  { key: Type.String({ description: 'The key. It is shown this once: only a hash of it is kept.' }), ...apiKey },
  { title: 'IssuedApiKey', description: 'A key that was just made.' }
)
export type IssuedApiKey = Static<typeof IssuedApiKey>

export const ListedApiKey = Type.Object(
  { ...apiKey, last_used_at: orNull(time('To the minute.')) },
  { title: 'ListedApiKey', description: 'An API key, and when it was last used.' }
)
export type ListedApiKey = Static<typeof ListedApiKey>

export const ApiKeyList = Type.Object(
  { keys: Type.Array(ListedApiKey) },
  { title: 'ApiKeyList', description: 'The API keys, the oldest first.' }
)
export type ApiKeyList = Static<typeof ApiKeyList>

export const ApiKeyPath = Type.Object({
  id: Type.String({ description: "The key's id: it is in the key, and no secret." })
})
export type ApiKeyPath = Static<typeof ApiKeyPath>

export const NewApiKey = closed(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    scopes: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: 1_000,
        description: 'What it may do. publish:* alone sends no stream_key: that takes stream:<prefix>.',
        examples: [['publish:trading_signal', 'stream:order-', 'read:*']]
      })
    ),
    sources: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 100 })),
    expires_at: Type.Optional(time('When it ends. Default: never.'))
  },
  {
    title: 'NewApiKey',
    description: 'The key to make.',
    examples: [{ name: 'ml_service', scopes: ['publish:trading_signal'] }]
  }
)
export type NewApiKey = Static<typeof NewApiKey>

export const KeyRotation = closed(
  {
    overlap_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000_000,
        default: 86_400_000,
        description: 'How long the old key lives on.'
      })
    )
  },
  { title: 'KeyRotation', description: 'How a key is replaced.' }
)
export type KeyRotation = Static<typeof KeyRotation>
