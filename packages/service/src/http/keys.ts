import { EventSystemError, formatTimestamp, type JsonObject } from '@tradpal/event-system'
import type { ApiKey, IssuedApiKey, Principal, Scopes } from '@tradpal/event-system/access'
import Type from 'typebox'
import type { AuditRule } from './auditing.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { closed, orNull, time } from './schemas.ts'
import { asItIs } from './wire-event.ts'

const params = Type.Object({ id: Type.String({ description: "The key's id: it is in the key, and no secret." }) })

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
const issued = Type.Object({
  key: Type.String({ description: 'The key. It is shown this once: only a hash of it is kept.' }),
  ...apiKey
})
const newKey = closed({
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
})
const rotation = closed({
  overlap_ms: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2_592_000_000,
      default: 86_400_000,
      description: 'How long the old key lives on.'
    })
  )
})

/** Of an answer with a key nothing but this: the key itself is in it. */
const ofKey = ({ id, name }: JsonObject) => ({ id, name })
const created: AuditRule = { action: 'keys.created', what: ({ body }) => body, result: ofKey }
const rotated: AuditRule = {
  action: 'keys.rotated',
  what: ({ params, body }) => ({ rotated: params.id, ...body }),
  result: ofKey
}

/** API keys, for who may make them: nobody gives more than they have, nor takes it from others. */
export function keyRoutes(app: App, { access }: AppContext): void {
  const { keys } = access

  app.get(
    '/keys',
    {
      ...asItIs,
      config: { access: { scope: 'admin:keys' }, audit: 'nothing' },
      schema: {
        tags: ['keys'],
        summary: 'The API keys, the oldest first',
        response: {
          200: Type.Object({
            keys: Type.Array(Type.Object({ ...apiKey, last_used_at: orNull(time('To the minute.')) }))
          }),
          ...problemResponses
        }
      }
    },
    async () => ({
      keys: (await keys.list()).map(({ lastUsedAt, ...key }) => ({
        ...keyAnswer(key),
        last_used_at: timeOf(lastUsedAt)
      }))
    })
  )

  app.post(
    '/keys',
    {
      ...asItIs,
      preValidation: readBody,
      config: { access: { scope: 'admin:keys' }, audit: created },
      schema: {
        tags: ['keys'],
        summary: 'Make an API key',
        description: 'It may do nothing that the one who makes it may not.',
        body: newKey,
        response: { 200: issued, ...problemResponses }
      }
    },
    async ({ principal, body: { name, scopes = [], sources, expires_at: expiresAt } }) => {
      mustHaveAll(principal, access.scopesOf(name, scopes), 'give')
      const made = await keys.create({
        name,
        scopes,
        by: principal.name,
        ...(sources === undefined ? {} : { sources }),
        ...(expiresAt === undefined ? {} : { expiresAt: instantOf('expires_at', expiresAt) })
      })
      return issuedAnswer(made)
    }
  )

  app.post(
    '/keys/:id/rotate',
    {
      ...asItIs,
      preValidation: readBody,
      config: { access: { scope: 'admin:keys' }, audit: rotated },
      schema: {
        tags: ['keys'],
        summary: 'Make a key like another, which ends some time later',
        params,
        body: rotation,
        response: { 200: issued, ...problemResponses }
      }
    },
    async ({ principal, params, body: { overlap_ms: overlapMs = 86_400_000 } }) => {
      const { name, scopes } = await keys.get(params.id)
      mustHaveAll(principal, access.scopesOf(name, scopes), 'give')
      return issuedAnswer(await keys.rotate(params.id, { overlapMs, by: principal.name }))
    }
  )

  app.delete(
    '/keys/:id',
    {
      ...asItIs,
      config: { access: { scope: 'admin:keys' }, audit: { action: 'keys.revoked', result: ofKey } },
      schema: {
        tags: ['keys'],
        summary: 'End a key at once, on every instance',
        description: 'It may do nothing that the one who ends it may not.',
        params,
        response: { 200: Type.Object(apiKey), ...problemResponses }
      }
    },
    async ({ principal, params }) => {
      const { name, scopes } = await keys.get(params.id)
      mustHaveAll(principal, access.scopesOf(name, scopes), 'take')
      return keyAnswer(await keys.revoke(params.id))
    }
  )
}

/**
 * Else who may make keys could give themselves everything, or shut out those who may do more. Rotating a key ends it too. Throws
 * `forbidden`.
 */
function mustHaveAll({ name, scopes }: Principal, wanted: Scopes, to: 'give' | 'take'): void {
  const lacking = wanted.list.filter((scope) => scopes.grantOf(scope) === undefined)
  if (lacking.length === 0) return
  const rule = to === 'give' ? 'cannot give what it has not' : 'cannot end a key that may do more than itself'
  throw new EventSystemError('forbidden', `${name} lacks ${lacking.join(', ')}, and ${rule}.`, { pointer: '/scopes' })
}

function issuedAnswer({ key, apiKey }: IssuedApiKey) {
  return { key, ...keyAnswer(apiKey) }
}

function keyAnswer({ id, name, scopes, sources, createdAt, createdBy, expiresAt, revokedAt }: ApiKey) {
  return {
    id,
    name,
    scopes: [...scopes],
    ...(sources === undefined ? {} : { sources: [...sources] }),
    created_at: formatTimestamp(createdAt),
    created_by: createdBy,
    expires_at: timeOf(expiresAt),
    revoked_at: timeOf(revokedAt)
  }
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : formatTimestamp(ms)
}
