import { type Clock, type Documents, EventSystemError, type Logger, WatchedFiles } from '@tradpal/event-system'
import {
  ANONYMOUS,
  ANYBODY,
  ApiKeys,
  type Identity,
  identityOfKey,
  KeyBook,
  Policy,
  type Principal,
  parsePolicy,
  type Scopes
} from '@tradpal/event-system/access'
import { AskedAtOnce } from './asked-at-once.ts'
import { type AccessConfiguration, asksForCredentials } from './configuration.ts'
import { FailedAttempts } from './failed-attempts.ts'
import type { Tokens } from './jwt.ts'

/** The certificate that a client showed when it connected: whose it is, or why it proves nothing. */
export type ClientCertificate = { readonly name: string } | { readonly refused: string }

/** What a request shows of who sent it. */
export interface Credentials {
  readonly authorization: string | undefined
  readonly apiKey: string | undefined
  /** Where it came from. */
  readonly address: string
  /** The same object for as long as it stands for the same. */
  readonly certificate: ClientCertificate | undefined
}

export interface AccessOptions {
  readonly configuration: AccessConfiguration
  readonly documents: Documents
  readonly clock: Clock
  readonly logger: Logger
  /** So many wrong credentials of an address are looked at in a minute; 0 is no limit. */
  readonly failuresPerMinute: number
  /** Told of each attempt beyond. */
  readonly onTooManyFailures: () => void
}

/** What none of these are is undefined. Throws, or rejects, with `unauthenticated`. */
type Found = Promise<Principal | undefined> | Principal | undefined

/** Says who sent a request and what they may do. */
export class Access {
  /** `private`: nobody said who may come, so only neighbours may. */
  readonly mode: 'required' | 'optional' | 'off' | 'private'
  readonly keys: ApiKeys
  readonly #book: KeyBook
  readonly #failed: FailedAttempts | undefined
  readonly #asked = new AskedAtOnce<Principal>()
  readonly #policy: WatchedFiles<Policy> | undefined
  readonly #tokens: Tokens | undefined
  readonly #takesCertificates: boolean
  /** Those of the current policy. */
  #principals = new WeakMap<object, Principal>()

  /** Rejects with `invalid_options` when a file cannot be used. */
  static async open(options: AccessOptions): Promise<Access> {
    const { configuration, clock, logger } = options
    const { jwt } = configuration
    // The library that verifies tokens is loaded only by a service that takes tokens.
    const tokens = jwt && new (await import('./jwt.ts')).Tokens({ configuration: jwt, clock, logger })
    return new Access(options, tokens)
  }

  private constructor(options: AccessOptions, tokens: Tokens | undefined) {
    const { configuration, documents, clock, logger, failuresPerMinute: perMinute, onTooManyFailures } = options
    const { auth, policyFile, tls } = configuration
    this.mode = auth ?? (asksForCredentials(configuration) ? 'required' : 'private')
    this.#takesCertificates = tls?.clientCaFile !== undefined
    this.keys = new ApiKeys(documents, clock)
    this.#book = new KeyBook({ documents, clock, logger })
    this.#failed = perMinute === 0 ? undefined : new FailedAttempts({ perMinute, onRefused: onTooManyFailures })
    this.#policy =
      policyFile === undefined
        ? undefined
        : new WatchedFiles({
            what: 'the policy (EVENT_POLICY_FILE)',
            paths: [policyFile],
            parse: (bytes) => parsePolicy(bytes),
            logger,
            onChange: () => {
              this.#principals = new WeakMap()
            }
          }).start()
    this.#tokens = tokens
  }

  get asksNobody(): boolean {
    return this.mode === 'off' || this.mode === 'private'
  }

  /** A sentence for the operator of a service that asks nobody for credentials. */
  get warnings(): readonly string[] {
    return this.mode === 'off' ? [OPEN_TO_ALL] : this.mode === 'private' ? [OPEN_TO_NEIGHBOURS] : []
  }

  /** Who shows these. Rejects with `unauthenticated` for what proves nothing, and where credentials are required for none; with `rate_limited` when too many from its address were wrong. */
  principalOf(credentials: Credentials): Promise<Principal> {
    const shown = shownBy(credentials)
    const ask = () => this.#principalBy(() => this.#lookedAt(credentials, shown))
    if (shown === undefined || this.#failed?.isProven(shown) === false) return ask()
    return this.#asked.ask(shown, ask)
  }

  /** As {@link principalOf}, while an answer lasts that was begun for these: what they prove by now. It counts as no attempt. */
  stillOf(credentials: Credentials): Promise<Principal> {
    return this.#principalBy(() => this.#identityOf(credentials))
  }

  /** What a key of this name and with these scopes may do, by the policy too. Throws `invalid_argument`. */
  scopesOf(name: string, scopes: readonly string[]): Scopes {
    return this.#principal({ name, proof: 'api key', scopes }).scopes
  }

  close(): void {
    this.#policy?.close()
    this.#tokens?.close()
  }

  async #principalBy(look: () => Found): Promise<Principal> {
    if (this.asksNobody) return ANYBODY
    const identity = await look()
    if (identity !== undefined) return identity
    if (this.mode === 'optional') return this.#remembered(NO_CREDENTIALS, () => NO_CREDENTIALS)
    throw unauthenticated(
      `This service asks for credentials: send an API key or a token as Authorization: Bearer <it>${this.#takesCertificates ? ', or show a client certificate' : ''}.`
    )
  }

  /** The credentials themselves are looked at only while few of their address were wrong. */
  #lookedAt(credentials: Credentials, shown: string | undefined): Found {
    if (shown === undefined || this.#failed === undefined) return this.#identityOf(credentials)
    return this.#failed.look(credentials.address, shown, () => this.#identityOf(credentials))
  }

  /** What a request says itself wins over the certificate of the connection on which it came. */
  #identityOf({ authorization, apiKey, certificate }: Credentials): Found {
    if (apiKey !== undefined) return this.#ofKey(apiKey)
    const bearer = bearerOf(authorization)
    if (bearer !== undefined) {
      return this.#tokens?.takes(bearer) ? this.#ofToken(bearer, this.#tokens) : this.#ofKey(bearer)
    }
    return certificate === undefined ? undefined : this.#ofCertificate(certificate)
  }

  async #ofKey(text: string): Promise<Principal> {
    const key = await this.#book.find(text)
    return this.#remembered(key, () => identityOfKey(key))
  }

  async #ofToken(text: string, tokens: Tokens): Promise<Principal> {
    const identity = await tokens.identityOf(text)
    return this.#remembered(identity, () => identity)
  }

  #ofCertificate(certificate: ClientCertificate): Principal {
    if ('refused' in certificate) {
      throw unauthenticated(`The client certificate cannot be taken: ${certificate.refused}.`)
    }
    return this.#remembered(certificate, () => ({ name: certificate.name, proof: 'certificate' }))
  }

  /** The principal that `proven` stands for, made once for each policy. */
  #remembered(proven: object, identify: () => Identity): Principal {
    const known = this.#principals.get(proven)
    if (known !== undefined) return known
    const principal = this.#principal(identify())
    this.#principals.set(proven, principal)
    return principal
  }

  #principal(identity: Identity): Principal {
    return (this.#policy?.content ?? NO_POLICY).principalOf(identity)
  }
}

const NO_POLICY = Policy.none()
const NO_CREDENTIALS: Identity = { name: ANONYMOUS, proof: 'nothing' }
const OPEN_TO_ALL = 'Whoever reaches this service may do everything: it asks nobody for credentials (EVENT_AUTH=off).'
const OPEN_TO_NEIGHBOURS =
  'Whoever reaches this service from this machine or a private network may do everything, since nobody has said who may: make a key (tradpal-events keys create) and set EVENT_AUTH=required.'

/** The credentials and the header that carried them, as one text; no header has a line break. The text is remembered, so repeated blanks make no new one. */
function shownBy({ apiKey, authorization }: Credentials): string | undefined {
  if (apiKey !== undefined) return `X-API-Key\n${apiKey}`
  return authorization?.includes('  ') ? authorization.replaceAll(/ +/g, ' ') : authorization
}

/** The text of `Authorization: Bearer <text>` (RFC 6750). Throws `unauthenticated` for another scheme. */
function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const [, text] = /^bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? []
  if (text !== undefined) return text
  throw unauthenticated('The header Authorization must be Bearer and, behind a blank, an API key or a token.')
}

function unauthenticated(sentence: string): EventSystemError {
  return new EventSystemError('unauthenticated', sentence)
}
