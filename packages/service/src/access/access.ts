import { type Clock, EventSystemError, type Logger, type Records } from '@tradpal/event-system'
import { type ApiKey, ApiKeys } from './api-keys.ts'
import type { AccessConfiguration } from './configuration.ts'
import { KeyBook } from './key-book.ts'
import { Policy, scopesOf } from './policy.ts'
import { ANONYMOUS, ANYBODY, type Principal, type Proof } from './principal.ts'
import type { Scopes } from './scopes.ts'
import { WatchedFiles } from './watched-files.ts'

/** The certificate that a client showed when it connected: whose it is, or why it proves nothing. */
export type ClientCertificate = { readonly name: string } | { readonly refused: string }

/** What a request shows of who sent it. */
export interface Credentials {
  readonly authorization: string | undefined
  readonly apiKey: string | undefined
  /** The same object for as long as it stands for the same. */
  readonly certificate: ClientCertificate | undefined
}

/** What a credential proves, before the policy is asked. */
export interface Identity {
  readonly name: string
  readonly proof: Proof
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  readonly sources?: readonly string[]
  readonly keyId?: string
}

export interface AccessOptions {
  readonly configuration: AccessConfiguration
  readonly records: Records
  readonly clock: Clock
  readonly logger: Logger
}

/** Says who sent a request and what they may do. */
export class Access {
  /** `private`: nobody said who may come, so only neighbours may. */
  readonly mode: 'required' | 'optional' | 'off' | 'private'
  readonly keys: ApiKeys
  readonly #book: KeyBook
  readonly #policy: WatchedFiles<Policy> | undefined
  readonly #takesCertificates: boolean
  /** Those of the current policy. */
  #principals = new WeakMap<object, Principal>()

  /** Throws `invalid_options` when a file cannot be used. */
  constructor({ configuration, records, clock, logger }: AccessOptions) {
    const { auth, policyFile, tls } = configuration
    const saysWho = policyFile !== undefined || tls?.clientCaFile !== undefined
    this.mode = auth ?? (saysWho ? 'required' : 'private')
    this.#takesCertificates = tls?.clientCaFile !== undefined
    this.keys = new ApiKeys(records, clock)
    this.#book = new KeyBook({ records, clock, logger })
    this.#policy =
      policyFile === undefined
        ? undefined
        : new WatchedFiles({
            what: 'the policy (EVENT_POLICY_FILE)',
            paths: [policyFile],
            parse: (bytes) => Policy.parse(bytes),
            logger,
            onChange: () => {
              this.#principals = new WeakMap()
            }
          })
  }

  get asksNobody(): boolean {
    return this.mode === 'off' || this.mode === 'private'
  }

  /** A sentence for the operator of a service that asks nobody for credentials. */
  get warnings(): readonly string[] {
    return this.mode === 'off' ? [OPEN_TO_ALL] : this.mode === 'private' ? [OPEN_TO_NEIGHBOURS] : []
  }

  /** Who shows these. Rejects with `unauthenticated` for what proves nothing, and where credentials are required for none. */
  async principalOf(credentials: Credentials): Promise<Principal> {
    if (this.asksNobody) return ANYBODY
    const identity = await this.#identityOf(credentials)
    if (identity !== undefined) return identity
    if (this.mode === 'optional') return this.#principal({ name: ANONYMOUS, proof: 'nothing' })
    throw unauthenticated(
      `This service asks for credentials: send an API key or a token as Authorization: Bearer <it>${this.#takesCertificates ? ', or show a client certificate' : ''}.`
    )
  }

  /** What a key of this name and with these scopes may do, by the policy too. Throws `invalid_argument`. */
  scopesOf(name: string, scopes: readonly string[]): Scopes {
    return this.#principal({ name, proof: 'api key', scopes }).scopes
  }

  close(): void {
    this.#policy?.close()
  }

  /** What a request says itself wins over the certificate of the connection on which it came. */
  async #identityOf({ authorization, apiKey, certificate }: Credentials): Promise<Principal | undefined> {
    const presented = apiKey ?? bearerOf(authorization)
    if (presented === undefined) return certificate === undefined ? undefined : this.#principalBy(certificate)
    const key = await this.#book.find(presented)
    return this.#remembered(key, () => identityOfKey(key))
  }

  #principalBy(certificate: ClientCertificate): Principal {
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

  #principal({ name, proof, scopes, roles, sources, keyId }: Identity): Principal {
    const grant = (this.#policy?.content ?? NO_POLICY).grantOf(name, roles)
    return {
      name,
      proof,
      scopes: scopesOf(grant, scopes),
      sources: sources ?? grant.sources ?? [name],
      ...(keyId === undefined ? {} : { keyId })
    }
  }
}

const NO_POLICY = Policy.none()
const OPEN_TO_ALL = 'Whoever reaches this service may do everything: it asks nobody for credentials (EVENT_AUTH=off).'
const OPEN_TO_NEIGHBOURS =
  'Whoever reaches this service from this machine or a private network may do everything, since nobody has said who may: make a key (tradpal-events keys create) and set EVENT_AUTH=required.'

/** The text of `Authorization: Bearer <text>` (RFC 6750). Throws `unauthenticated` for another scheme. */
function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const [, text] = /^bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? []
  if (text !== undefined) return text
  throw unauthenticated('The header Authorization must be Bearer and, behind a blank, an API key or a token.')
}

function identityOfKey({ id, name, scopes, sources }: ApiKey): Identity {
  return { name, proof: 'api key', scopes, keyId: id, ...(sources === undefined ? {} : { sources }) }
}

function unauthenticated(sentence: string): EventSystemError {
  return new EventSystemError('unauthenticated', sentence)
}
