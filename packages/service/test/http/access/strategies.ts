import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { Documents } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { onTestFinished } from 'vitest'
import { Certificates } from '../../../../../test/support/certificates.ts'
import { newFolder } from '../../../../../test/support/new-folder.ts'
import type { RunningService } from '../../../src/index.ts'
import { newSigningKey, signed, TokenIssuer } from '../support/token-issuer.ts'
import type { Endpoint } from './endpoints.ts'

/** What is sent to an endpoint. */
export interface Call extends Pick<Endpoint, 'method' | 'path'> {
  /** What becomes JSON. Default: an empty object, where the method has a body. */
  readonly body?: object
}

/** Calls an endpoint as somebody, and resolves to the status. */
export type Caller = (call: Call) => Promise<number>

export interface Credentials {
  /** Of a principal that may do just this. */
  may(...scopes: string[]): Promise<Caller>
  /** The name of that principal. */
  nameOf(...scopes: string[]): string
  /** Of another principal that may do the same. */
  other(...scopes: string[]): Promise<Caller>
  readonly none: Caller
  readonly wrong: Caller
  readonly expired: Caller
  readonly revoked: Caller
}

/** How somebody proves who they are. */
export interface Strategy {
  readonly environment: Record<string, string>
  /** For a service that runs. */
  credentials(service: RunningService): Promise<Credentials>
}

export async function apiKeyStrategy(): Promise<Strategy> {
  return {
    environment: {},
    async credentials({ url, system }) {
      const documents = new Documents(system.storage)
      const keysAt = (ms: number) => new ApiKeys(documents, { now: () => ms, sleep: async () => {} })
      const keys = keysAt(Date.now())
      const everything = { name: 'a_service', scopes: ['*'], by: 'a test' }
      const expired = await keysAt(Date.now() - 7 * DAY_MS).create({ ...everything, expiresAt: Date.now() - DAY_MS })
      const revoked = await keys.create(everything)
      await keys.revoke(revoked.apiKey.id)
      return {
        may: async (...scopes) => bearing(url, (await keys.create({ name: 'a_service', scopes, by: 'a test' })).key),
        nameOf: () => 'a_service',
        other: async (...scopes) => bearing(url, (await keys.create({ name: 'another', scopes, by: 'a test' })).key),
        none: bearing(url),
        wrong: bearing(url, `tradpal_AAAAAAAAAAAA_${'A'.repeat(43)}`),
        expired: bearing(url, expired.key),
        revoked: bearing(url, revoked.key)
      }
    }
  }
}

/** A token cannot be revoked by itself: what stands for that is one of a key that the issuer has withdrawn. */
export async function tokenStrategy(): Promise<Strategy> {
  const [key, stranger, withdrawn] = [await newSigningKey(), await newSigningKey(), await newSigningKey()]
  const issuer = await TokenIssuer.start(key)
  const now = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: 'https://login.example',
    aud: 'tradpal-events',
    sub: 'a_service',
    scope: '*',
    iat: now,
    exp: now + 600
  }
  return {
    environment: {
      EVENT_JWT_ISSUER: claims.iss,
      EVENT_JWT_AUDIENCE: claims.aud,
      EVENT_JWT_JWKS_URL: issuer.jwksUrl
    },
    async credentials({ url }) {
      return {
        may: async (...scopes) => bearing(url, await signed(key, { ...claims, scope: scopes.join(' ') })),
        nameOf: () => claims.sub,
        other: async (...scopes) =>
          bearing(url, await signed(key, { ...claims, sub: 'another', scope: scopes.join(' ') })),
        none: bearing(url),
        wrong: bearing(url, await signed({ ...stranger, kid: key.kid }, claims)),
        expired: bearing(url, await signed(key, { ...claims, iat: now - 7_200, exp: now - 3_600 })),
        revoked: bearing(url, await signed(withdrawn, claims))
      }
    }
  }
}

/** What a certificate may do stands in the policy, by its name: each set of scopes has a principal of its own. */
export async function certificateStrategy(): Promise<Strategy> {
  const certificates = await Certificates.make()
  onTestFinished(() => certificates.remove())
  const [authority, stranger] = [await certificates.newAuthority(), await certificates.newAuthority()]
  const server = await authority.issue('127.0.0.1')
  const revoked = await authority.issue('revoked')
  const policy = join(await newFolder(), 'policy.json')
  const names = new Map(EACH_SCOPE.map((scopes, i) => [scopes.join(), `client-${i}`]))
  const principals = Object.fromEntries(
    EACH_SCOPE.flatMap((scopes) => {
      const name = names.get(scopes.join())
      return [name, `other-${name}`].map((each) => [each, { scopes }])
    })
  )
  await writeFile(policy, JSON.stringify({ principals }))
  const ca = readFileSync(authority.caFile)
  return {
    environment: {
      EVENT_TLS_CERT_FILE: server.certFile,
      EVENT_TLS_KEY_FILE: server.keyFile,
      EVENT_TLS_CLIENT_CA_FILE: authority.caFile,
      EVENT_TLS_CRL_FILE: await authority.revocations([revoked]),
      EVENT_POLICY_FILE: policy
    },
    async credentials({ url }) {
      const showing = (shown?: { certFile: string; keyFile: string }) =>
        overTls(url, { ca, ...(shown && { cert: readFileSync(shown.certFile), key: readFileSync(shown.keyFile) }) })
      const known = new Map<string, Caller>()
      const nameOf = (...scopes: string[]) => {
        const name = names.get(scopes.join())
        if (name === undefined) throw new Error(`No client may do just ${scopes}.`)
        return name
      }
      const callerOf = async (name: string) => {
        const caller = known.get(name) ?? showing(await authority.issue(name))
        known.set(name, caller)
        return caller
      }
      return {
        may: (...scopes) => callerOf(nameOf(...scopes)),
        nameOf,
        other: (...scopes) => callerOf(`other-${nameOf(...scopes)}`),
        none: showing(),
        wrong: showing(await stranger.issue('a_service')),
        expired: showing(await authority.issue('a_service', { expired: true })),
        revoked: showing(revoked)
      }
    }
  }
}

const DAY_MS = 86_400_000

/** The sets of scopes with which stream keys are sent. */
export const STREAM_KEY_SCOPES = [
  ['publish:*', 'read:*', 'stats'],
  ['publish:*', 'stream:x-*'],
  ['publish:*', 'stream:x-'],
  ['publish:*', 'stream:*'],
  ['publish:*', 'stream:y-*']
] as const

/** The sets of scopes with which dead letters are put back. */
export const AMENDING_SCOPES = [
  ['admin:dead-letters', 'read:*', 'publish:trading_signal'],
  ['admin:dead-letters', 'read:*', 'publish:risk_alert']
] as const

/** The sets of scopes with which endpoints are called. */
const EACH_SCOPE: readonly (readonly string[])[] = [
  ['stats'],
  ['consume:another-group'],
  ...[
    'publish:*',
    'read:*',
    'replay',
    'stats',
    'metrics',
    'consume:x',
    'admin:groups',
    'admin:dead-letters',
    'admin:retention',
    'admin:keys',
    'admin:audit'
  ].map((scope) => [scope, 'read:*']),
  ...STREAM_KEY_SCOPES,
  ...AMENDING_SCOPES
]

function bearing(url: string, credential?: string): Caller {
  const authorization: Record<string, string> =
    credential === undefined ? {} : { authorization: `Bearer ${credential}` }
  return async (call) => {
    const { method, path } = call
    const { headers, body } = contentOf(call)
    const response = await fetch(`${url}${path}`, { method, headers: { ...authorization, ...headers }, body })
    await response.body?.cancel()
    return response.status
  }
}

function overTls(url: string, shown: object): Caller {
  return (call) =>
    new Promise((resolve, reject) => {
      const { method, path } = call
      const { headers: ofContent, body } = contentOf(call)
      const headers = { ...ofContent, 'content-length': body?.length ?? 0 }
      const sent = request(`${url}${path}`, { method, headers, agent: false, ...shown }, (response) => {
        response.destroy()
        resolve(response.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end(body ?? undefined)
    })
}

function contentOf({ method, body = {} }: Call): { headers: Record<string, string>; body: string | null } {
  if (!['POST', 'PATCH', 'DELETE'].includes(method)) return { headers: {}, body: null }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
