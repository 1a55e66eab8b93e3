import {
  ApiKeyList,
  ApiKeyPath,
  ApiKey as ApiKeySchema,
  IssuedApiKey as IssuedApiKeySchema,
  KeyRotation,
  NewApiKey
} from '@tradpal/event-api'
import { EventSystemError, formatTimestamp, type JsonObject } from '@tradpal/event-system'
import type { ApiKey, IssuedApiKey, Principal, Scopes } from '@tradpal/event-system/access'
import type { AuditRule } from './auditing.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { asItIs } from './wire-event.ts'

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
        operationId: 'listKeys',
        tags: ['keys'],
        summary: 'The API keys, the oldest first',
        response: { 200: ApiKeyList, ...problemResponses }
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
        operationId: 'createKey',
        tags: ['keys'],
        summary: 'Make an API key',
        description: 'It may do nothing that the one who makes it may not.',
        body: NewApiKey,
        response: { 200: IssuedApiKeySchema, ...problemResponses }
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
        operationId: 'rotateKey',
        tags: ['keys'],
        summary: 'Make a key like another, which ends some time later',
        params: ApiKeyPath,
        body: KeyRotation,
        response: { 200: IssuedApiKeySchema, ...problemResponses }
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
        operationId: 'revokeKey',
        tags: ['keys'],
        summary: 'End a key at once, on every instance',
        description: 'It may do nothing that the one who ends it may not.',
        params: ApiKeyPath,
        response: { 200: ApiKeySchema, ...problemResponses }
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
