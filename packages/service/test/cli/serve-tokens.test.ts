import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, type Certificate, Certificates } from '../../../../test/support/certificates.ts'
import { get } from '../http/support/test-service.ts'
import { newSigningKey, signed, TokenIssuer } from '../http/support/token-issuer.ts'
import { AUDIENCE, ISSUER } from '../http/support/token-service.ts'
import { type RunningProcess, startProcess, temporaryFolder } from './support/command.ts'

let certificates: Certificates
let authority: Authority

beforeAll(async () => {
  certificates = await Certificates.make()
  authority = await certificates.newAuthority()
})
afterAll(() => certificates.remove())

/** An issuer over HTTPS, and a process of the service that takes its tokens. */
async function issuerAndProcess(certificate: Certificate, environment: Record<string, string> = {}) {
  const issuer = await TokenIssuer.start(await newSigningKey(), certificate)
  const cwd = await temporaryFolder()
  const env = {
    EVENT_SERVICE_HOST: '127.0.0.1',
    EVENT_SERVICE_PORT: '0',
    EVENT_LOG_PATH: join(cwd, 'log.db'),
    EVENT_JWT_ISSUER: ISSUER,
    EVENT_JWT_AUDIENCE: AUDIENCE,
    EVENT_JWT_JWKS_URL: issuer.jwksUrl,
    ...environment
  }
  const service = startProcess(['serve'], { env, cwd })
  return { issuer, service, url: await urlOf(service) }
}

async function urlOf(service: RunningProcess): Promise<string> {
  const find = () => /http:\/\/127\.0\.0\.1:\d+/.exec(service.stdout())?.[0]
  return waitFor(find, { what: 'the url', timeoutMs: 60_000 })
}

async function ask(url: string, issuer: TokenIssuer) {
  const now = Math.floor(Date.now() / 1_000)
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ml_service', scope: '*', iat: now, exp: now + 300 }
  return get(`${url}/events`, { headers: { authorization: `Bearer ${await signed(issuer.key, claims)}` } })
}

async function end(service: RunningProcess): Promise<number | null> {
  service.child.kill('SIGTERM')
  return (await service.result).code
}

test('the keys of an issuer whose certificate an authority of NODE_EXTRA_CA_CERTS has issued are had over HTTPS', async () => {
  const trusting = { NODE_EXTRA_CA_CERTS: authority.caFile }
  const { issuer, service, url } = await issuerAndProcess(await authority.issue('127.0.0.1'), trusting)

  expect((await ask(url, issuer)).status).toBe(200)
  expect(await end(service)).toBe(0)
})

test.each<[what: string, reason: string, certificate: () => Promise<Certificate>]>([
  [
    'of an authority that nobody trusts',
    'unable to verify the first certificate',
    async () => (await certificates.newAuthority()).issue('127.0.0.1')
  ],
  ['that has expired', 'certificate has expired', () => authority.issue('127.0.0.1', { expired: true })],
  ['of another host', 'IP: 127.0.0.1 is not in the cert', () => authority.issue('login.example')]
])(
  'an issuer with a certificate %s is not asked: 503, the log says %s, and the service stays up',
  async (_, reason, certificate) => {
    const trusting = { NODE_EXTRA_CA_CERTS: authority.caFile }
    const { issuer, service, url } = await issuerAndProcess(await certificate(), trusting)

    expect(await ask(url, issuer)).toMatchObject({ status: 503, body: { code: 'issuer_unavailable' } })
    expect((await get(`${url}/health`)).status).toBe(200)
    expect(issuer.requests).toEqual([])
    expect(service.stdout()).toMatch(new RegExp(`${reason}.*the keys of the issuer of tokens cannot be had`))
    expect(await end(service)).toBe(0)
  }
)
