import { EnvironmentReader } from '@tradpal/event-system'
import { describe, expect, test } from 'vitest'
import { readAccess } from './configuration.ts'
import { type JwtConfiguration, readJwt } from './jwt-configuration.ts'

const WHOLE = {
  EVENT_JWT_ISSUER: 'https://login.example',
  EVENT_JWT_AUDIENCE: 'tradpal-events',
  EVENT_JWT_JWKS_URL: 'https://login.example/keys'
}

function read(environment: Record<string, string>): JwtConfiguration | undefined {
  const reader = new EnvironmentReader(environment)
  const configuration = readJwt(environment, reader)
  reader.finish()
  return configuration
}

test('without a variable no token is taken', () => {
  expect(read({})).toBeUndefined()
  expect(read({ EVENT_JWT_ISSUER: '' })).toBeUndefined()
  expect(readAccess({}, new EnvironmentReader({})).jwt).toBeUndefined()
})

test('the defaults are those that are described', () => {
  expect(read(WHOLE)).toEqual({
    issuer: 'https://login.example',
    audience: 'tradpal-events',
    keys: { jwksUrl: 'https://login.example/keys' },
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
    clockSkewSeconds: 30,
    maxAgeSeconds: undefined,
    principalClaim: 'sub',
    scopesClaim: 'scope',
    rolesClaim: 'roles'
  })
})

test('what is said holds', () => {
  const { EVENT_JWT_JWKS_URL: _, ...rest } = WHOLE
  const said = {
    EVENT_JWT_KEY_FILE: '/run/key.pem',
    EVENT_JWT_ALGORITHMS: 'ES256, ES384',
    EVENT_JWT_CLOCK_SKEW_SECONDS: '300',
    EVENT_JWT_MAX_AGE: '12h',
    EVENT_JWT_PRINCIPAL_CLAIM: 'azp',
    EVENT_JWT_SCOPES_CLAIM: 'scp',
    EVENT_JWT_ROLES_CLAIM: 'realm_access.roles'
  }

  expect(read({ ...rest, ...said })).toMatchObject({
    keys: { keyFile: '/run/key.pem' },
    algorithms: ['ES256', 'ES384'],
    clockSkewSeconds: 300,
    maxAgeSeconds: 43_200,
    principalClaim: 'azp',
    scopesClaim: 'scp',
    rolesClaim: 'realm_access.roles'
  })
})

test.each(Object.keys(WHOLE).concat('EVENT_JWT_MAX_AGE', 'EVENT_JWT_ROLES_CLAIM'))(
  'with %s alone, all that is missing is told at once',
  (variable) => {
    const given = { [variable]: variable === 'EVENT_JWT_JWKS_URL' ? WHOLE.EVENT_JWT_JWKS_URL : '1h' }
    const missing = Object.keys(WHOLE).filter((name) => name !== variable)

    for (const name of missing) expect(() => read(given)).toThrow(name)
  }
)

describe('refused', () => {
  const wrong: [what: string, environment: Record<string, string>, message: RegExp][] = [
    ['two places for the keys', { EVENT_JWT_KEY_FILE: 'key.pem' }, /exactly one must be set/],
    ['none as an algorithm', { EVENT_JWT_ALGORITHMS: 'ES256,none' }, /must have some of RS256.*got "none"/],
    ['None as an algorithm', { EVENT_JWT_ALGORITHMS: 'None' }, /got "None"/],
    ['an algorithm that there is not', { EVENT_JWT_ALGORITHMS: 'constructor' }, /got "constructor"/],
    ['a secret with a JWKS', { EVENT_JWT_ALGORITHMS: 'HS256' }, /one with a secret.*leads to public keys/],
    ['secrets beside public keys', { EVENT_JWT_ALGORITHMS: 'HS256,RS256' }, /either algorithms with a secret/],
    ['a skew of more than 300 s', { EVENT_JWT_CLOCK_SKEW_SECONDS: '301' }, /SKEW_SECONDS must be .* from 0 to 300/],
    ['a greatest age that is none', { EVENT_JWT_MAX_AGE: 'long' }, /EVENT_JWT_MAX_AGE: "long" is no age/],
    ['http to another machine', { EVENT_JWT_JWKS_URL: 'http://login.example/keys' }, /must begin with https/],
    ['a machine that begins like this one', { EVENT_JWT_JWKS_URL: 'http://localhost.example/keys' }, /https/],
    ['another scheme', { EVENT_JWT_JWKS_URL: 'file:///etc/keys.json' }, /must begin with https/],
    ['what is no URL', { EVENT_JWT_JWKS_URL: 'login.example' }, /must begin with https/],
    ['an empty claim', { EVENT_JWT_PRINCIPAL_CLAIM: ' ' }, /EVENT_JWT_PRINCIPAL_CLAIM must not be empty/]
  ]
  test.each(wrong)('%s', (_, environment, message) => {
    expect(() => read({ ...WHOLE, ...environment })).toThrow(message)
  })

  test('a password in a URL, which no message repeats', () => {
    const environment = { ...WHOLE, EVENT_JWT_JWKS_URL: 'https://user:secret@login.example/keys' }

    expect(() => read(environment)).toThrow(/^(?!.*secret@)/)
    expect(() => read(environment)).toThrow(/no user and password/)
  })

  test.each([
    'http://localhost:9/k',
    'http://127.0.0.1/k',
    'http://127.1/k',
    'http://[::1]:8080/k',
    'HTTPS://A.example'
  ])('but not %s', (url) => {
    expect(read({ ...WHOLE, EVENT_JWT_JWKS_URL: url })?.keys).toEqual({ jwksUrl: url })
  })
})
