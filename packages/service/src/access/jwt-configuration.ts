import { type Environment, type EnvironmentReader, parseAge } from '@tradpal/event-system'
import { DEFAULT_ALGORITHMS, PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS } from './signature-algorithms.ts'

/** Which JSON Web Tokens are taken, and what of them says who it is and what they may do. */
export interface JwtConfiguration {
  /** EVENT_JWT_ISSUER: what `iss` must be. */
  readonly issuer: string
  /** EVENT_JWT_AUDIENCE: what `aud` must be, or have among others. */
  readonly audience: string
  /** EVENT_JWT_JWKS_URL or EVENT_JWT_KEY_FILE: where the keys of the issuer are. */
  readonly keys: { readonly jwksUrl: string } | { readonly keyFile: string }
  /** EVENT_JWT_ALGORITHMS: with which tokens may be signed, by commas. Default RS256, PS256, ES256, EdDSA and Ed25519. */
  readonly algorithms: readonly string[]
  /** EVENT_JWT_CLOCK_SKEW_SECONDS: by how much the clocks of the issuer and of this machine may differ. Default 30, at most 300. */
  readonly clockSkewSeconds: number
  /** EVENT_JWT_MAX_AGE, in s: a token that is valid for longer, from `iat` to `exp`, is refused. Default: none is. */
  readonly maxAgeSeconds: number | undefined
  /** EVENT_JWT_PRINCIPAL_CLAIM: the claim that is the principal's name; dots lead into a claim, here as below. Default `sub`. */
  readonly principalClaim: string
  /** EVENT_JWT_SCOPES_CLAIM: that with the scopes, a text with blanks or a list. Default `scope`. */
  readonly scopesClaim: string
  /** EVENT_JWT_ROLES_CLAIM: that with the names of roles of the policy. Default `roles`. */
  readonly rolesClaim: string
}

const VARIABLES = [
  'EVENT_JWT_ISSUER',
  'EVENT_JWT_AUDIENCE',
  'EVENT_JWT_JWKS_URL',
  'EVENT_JWT_KEY_FILE',
  'EVENT_JWT_ALGORITHMS',
  'EVENT_JWT_CLOCK_SKEW_SECONDS',
  'EVENT_JWT_MAX_AGE',
  'EVENT_JWT_PRINCIPAL_CLAIM',
  'EVENT_JWT_SCOPES_CLAIM',
  'EVENT_JWT_ROLES_CLAIM'
] as const

/** What the EVENT_JWT_ variables say; undefined when none is set. */
export function readJwt(environment: Environment, read: EnvironmentReader): JwtConfiguration | undefined {
  const isAsked = VARIABLES.map((variable) => environment[variable] ?? '').some((text) => text !== '')
  if (!isAsked) return undefined
  const required = (variable: string, what: string) => {
    const value = read.optionalText(variable, undefined, variable)
    if (value === undefined) read.wrong(`${variable} is missing: with any EVENT_JWT_ variable it must say ${what}.`)
    return value ?? ''
  }
  const claim = (variable: string, fallback: string) => read.text(variable, undefined, variable, fallback)
  const algorithms = readAlgorithms(environment, read)
  return {
    issuer: required('EVENT_JWT_ISSUER', 'who issues the tokens, as their iss does'),
    audience: required('EVENT_JWT_AUDIENCE', 'for whom they are issued, as their aud does'),
    keys: readKeys(algorithms, read),
    algorithms,
    clockSkewSeconds: read.wholeNumber(
      'EVENT_JWT_CLOCK_SKEW_SECONDS',
      undefined,
      'EVENT_JWT_CLOCK_SKEW_SECONDS',
      30,
      0,
      300
    ),
    maxAgeSeconds: readMaxAge(environment, read),
    principalClaim: claim('EVENT_JWT_PRINCIPAL_CLAIM', 'sub'),
    scopesClaim: claim('EVENT_JWT_SCOPES_CLAIM', 'scope'),
    rolesClaim: claim('EVENT_JWT_ROLES_CLAIM', 'roles')
  }
}

function readKeys(algorithms: readonly string[], read: EnvironmentReader): JwtConfiguration['keys'] {
  const jwksUrl = read.optionalText('EVENT_JWT_JWKS_URL', undefined, 'EVENT_JWT_JWKS_URL')
  const keyFile = read.optionalText('EVENT_JWT_KEY_FILE', undefined, 'EVENT_JWT_KEY_FILE')
  if ((jwksUrl === undefined) === (keyFile === undefined)) {
    read.wrong(
      'Of EVENT_JWT_JWKS_URL and EVENT_JWT_KEY_FILE exactly one must be set: it says where the keys of the issuer are.'
    )
  }
  if (jwksUrl === undefined) return { keyFile: keyFile ?? '' }
  if (!isKeysUrl(jwksUrl)) {
    read.wrong(
      'EVENT_JWT_JWKS_URL must begin with https:// (or, on this machine alone, with http://localhost) and have no user and password in it.'
    )
  }
  if (algorithms.some((algorithm) => Object.hasOwn(SECRET_ALGORITHMS, algorithm))) {
    read.wrong(
      'EVENT_JWT_ALGORITHMS has one with a secret (HS256, HS384, HS512), and EVENT_JWT_JWKS_URL leads to public keys: name EVENT_JWT_KEY_FILE, or algorithms such as RS256 and ES256.'
    )
  }
  return { jwksUrl }
}

/** Whoever could change the keys on their way could issue tokens: they come encrypted, or from this machine. */
function isKeysUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
}

function readAlgorithms(environment: Environment, read: EnvironmentReader): readonly string[] {
  const named = (environment.EVENT_JWT_ALGORITHMS ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (named.length === 0) return DEFAULT_ALGORITHMS
  const known = [...Object.keys(PUBLIC_KEY_ALGORITHMS), ...Object.keys(SECRET_ALGORITHMS)]
  for (const name of named) {
    if (known.includes(name)) continue
    read.wrong(`EVENT_JWT_ALGORITHMS must have some of ${known.join(', ')}, got ${JSON.stringify(name)}.`)
  }
  const withSecret = named.filter((name) => Object.hasOwn(SECRET_ALGORITHMS, name))
  if (withSecret.length > 0 && withSecret.length < named.length) {
    read.wrong(
      'EVENT_JWT_ALGORITHMS must have either algorithms with a secret (HS256, HS384, HS512) or others: one key cannot be both.'
    )
  }
  return named
}

function readMaxAge(environment: Environment, read: EnvironmentReader): number | undefined {
  const text = environment.EVENT_JWT_MAX_AGE ?? ''
  if (text === '') return undefined
  try {
    return parseAge(text) / 1_000
  } catch (error) {
    read.wrong(`EVENT_JWT_MAX_AGE: ${(error as Error).message}`)
    return undefined
  }
}
