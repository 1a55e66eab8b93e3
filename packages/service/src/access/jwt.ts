import { type Clock, EventSystemError, type Logger, repeatedMemberIn } from '@tradpal/event-system'
import type { Identity } from '@tradpal/event-system/access'
import { type CompactJWSHeaderParameters, errors, type JWTVerifyResult, jwtVerify } from 'jose'
import { type Claims, identityOfClaims } from './claims.ts'
import { FileKeys } from './file-keys.ts'
import type { JwtConfiguration } from './jwt-configuration.ts'
import { RemoteKeys } from './remote-keys.ts'
import type { TokenKey, TokenKeys } from './token-keys.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/** A longer token is refused before anything is done with it. Node takes 16 KiB of headers altogether. */
const MAX_CHARACTERS = 8_192
/** What `typ` may be: a token for another purpose (`logout+jwt`, `dpop+jwt`) is no credential (RFC 8725, 3.11). */
const TYPES = [undefined, 'jwt', 'at+jwt', 'application/at+jwt']

export interface TokensOptions {
  readonly configuration: JwtConfiguration
  readonly clock: Clock
  readonly logger: Logger
}

/** Verifies JSON Web Tokens (RFC 7519) of one issuer, as RFC 8725 advises: the algorithms are ours to say, never the token's. */
export class Tokens {
  readonly #configuration: JwtConfiguration
  readonly #clock: Clock
  readonly #keys: TokenKeys
  /** By the current keys. */
  #verified: VerifiedTokens<Identity>

  /** Throws `invalid_options` when the file of the key cannot be used. An issuer that does not answer yet is no reason. */
  constructor({ configuration, clock, logger }: TokensOptions) {
    this.#configuration = configuration
    this.#clock = clock
    this.#verified = new VerifiedTokens(clock)
    const onChange = () => {
      this.#verified = new VerifiedTokens(clock)
    }
    const { keys, algorithms } = configuration
    this.#keys =
      'jwksUrl' in keys
        ? new RemoteKeys({ url: keys.jwksUrl, clock, logger, onChange })
        : new FileKeys({ path: keys.keyFile, algorithms, logger, onChange })
  }

  /** Whether a credential has the form of a token, or means to. */
  takes(text: string): boolean {
    return text.includes('.')
  }

  /**
   * Who this token stands for: the same object for as long as it is remembered, which is a minute at most. Rejects with
   * `unauthenticated`, and with `issuer_unavailable` when nobody can know.
   */
  async identityOf(text: string): Promise<Identity> {
    const verified = this.#verified
    const known = verified.get(text)
    if (known !== undefined) return known
    assertForm(text)
    const { protectedHeader, payload } = await this.#verify(text)
    this.#assertHeader(text, protectedHeader)
    this.#assertTimes(payload)
    const identity = identityOfClaims(payload, this.#configuration)
    // Where the keys changed meanwhile, nobody asks this memory any more.
    verified.add(text, identity, (Number(payload.exp) + this.#configuration.clockSkewSeconds) * 1_000)
    return identity
  }

  close(): void {
    this.#keys.close()
  }

  async #verify(text: string): Promise<JWTVerifyResult> {
    const { issuer, audience, algorithms, clockSkewSeconds } = this.#configuration
    try {
      return await jwtVerify(text, (header) => this.#keyOf(header), {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp']
      })
    } catch (error) {
      throw error instanceof EventSystemError ? error : this.#refusalOf(error)
    }
  }

  async #keyOf({ alg, kid }: CompactJWSHeaderParameters): Promise<TokenKey> {
    const key = await this.#keys.find({ alg, ...(kid === undefined ? {} : { kid }) })
    if (key !== undefined) return key
    throw refused('The token is signed by a key that its issuer does not have, or not for this algorithm.')
  }

  #assertHeader(text: string, { typ }: CompactJWSHeaderParameters): void {
    for (const part of text.split('.').slice(0, 2)) {
      const json = new TextDecoder().decode(Buffer.from(part, 'base64url'))
      if (repeatedMemberIn(json, JSON.parse(json)) !== undefined) {
        throw refused('The token says something twice: each member of its header and its claims may be there once.')
      }
    }
    if (!TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : typ)) {
      throw refused('The token is for another purpose: its typ must be JWT or at+jwt.')
    }
  }

  /** What the library leaves open. */
  #assertTimes({ iat, exp, nbf }: Claims): void {
    const { clockSkewSeconds, maxAgeSeconds } = this.#configuration
    for (const [name, time] of Object.entries({ iat, exp, nbf })) {
      if (time !== undefined && !Number.isFinite(time)) throw refused(`The token's ${name} must be a time, in seconds.`)
    }
    if (iat !== undefined && Number(iat) > this.#clock.now() / 1_000 + clockSkewSeconds) {
      throw refused('The token was issued in the future (iat): the clock of its issuer or of this service is wrong.')
    }
    if (maxAgeSeconds === undefined) return
    if (iat === undefined) throw refused('The token must say when it was issued (iat).')
    if (Number(exp) - Number(iat) > maxAgeSeconds) {
      throw refused(`The token is valid for more than ${maxAgeSeconds} s, from its iat to its exp (EVENT_JWT_MAX_AGE).`)
    }
  }

  #refusalOf(error: unknown): EventSystemError {
    const { issuer, audience, algorithms } = this.#configuration
    if (error instanceof errors.JWTExpired) return refused('The token has expired.')
    if (error instanceof errors.JWTClaimValidationFailed) {
      const { claim, reason } = error
      if (reason === 'missing') return refused(`The token lacks the claim ${claim}.`)
      if (claim === 'iss') return refused(`The token is of another issuer: its iss must be ${issuer}.`)
      if (claim === 'aud') return refused(`The token is for another service: its aud must be or have ${audience}.`)
      if (claim === 'nbf' && reason === 'check_failed') return refused('The token is not valid yet (nbf).')
      return refused(`The token's ${claim} is wrong.`)
    }
    if (error instanceof errors.JOSEAlgNotAllowed) {
      return refused(`The token is not signed with ${algorithms.join(' or ')}, which alone are taken here.`)
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) return refused("The token's signature is wrong.")
    return refused('The token is malformed, or signed in a way that is not understood here.')
  }
}

/** Three parts in base64url, each written in the one way there is, so that no token has a second text. Throws `unauthenticated`. */
function assertForm(text: string): void {
  if (text.length > MAX_CHARACTERS) {
    throw refused(`The token has ${text.length} characters; it may have ${MAX_CHARACTERS}.`)
  }
  const parts = text.split('.')
  const isWhole = parts.length === 3 && parts.every((part) => part !== '')
  if (isWhole && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)) return
  throw refused('This is no signed JSON Web Token: it has three parts in base64url with dots between them.')
}

function refused(sentence: string): EventSystemError {
  return new EventSystemError('unauthenticated', sentence)
}
