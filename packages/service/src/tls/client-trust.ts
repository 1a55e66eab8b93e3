import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Revocations } from './revocations.ts'
import { certificatesIn } from './server-certificate.ts'

/** Which client certificates are taken, as the files say it at one time. */
export class ClientTrust {
  readonly #authorities: readonly X509Certificate[]
  readonly #revocations: Revocations | undefined

  /** Throws for a file that holds no certificate. */
  constructor(authorities: Buffer, revocations: Revocations | undefined) {
    this.#authorities = certificatesIn(authorities, 'EVENT_TLS_CLIENT_CA_FILE')
    this.#revocations = revocations
  }

  /** Why a certificate that was shown when these files held cannot be taken; undefined when it can. A session that was taken up again brings the verdict of the first time: what may have changed since is looked at here. */
  mistakeOf(certificate: X509Certificate, { authorized, authorizationError }: TLSSocket, now: number) {
    if (!authorized) return refusal(String(authorizationError))
    if (certificate.validToDate.getTime() <= now) return EXPIRED
    return this.#revocations?.has(certificate) ? REVOKED : undefined
  }

  /** As {@link mistakeOf}, of a certificate that was shown when other files held. */
  mistakeOfEarlier(
    certificate: X509Certificate,
    socket: TLSSocket,
    earlier: ClientTrust | undefined,
    now: number
  ): string | undefined {
    const mistake = this.mistakeOf(certificate, socket, now)
    if (mistake !== undefined) return mistake
    const above = this.#above(certificate)
    if (above !== undefined) return above.some((one) => this.#revocations?.has(one)) ? REVOKED : undefined
    // Of the chain that came with it Node says nothing, but it held then: so it does when nothing was taken from what it rests on.
    if (earlier === undefined || !this.#trustsAllOf(earlier)) return UNKNOWN_AUTHORITY
    return this.#revocations?.hasMoreThan(earlier.#revocations, certificate) ? PERHAPS_REVOKED : undefined
  }

  /** The authorities between a certificate and a root, where the file has all of them, and the root. */
  #above(certificate: X509Certificate): X509Certificate[] | undefined {
    const between: X509Certificate[] = []
    for (let one = certificate; ; ) {
      const authority = this.#authorities.find((each) => one.checkIssued(each) && one.verify(each.publicKey))
      if (authority === undefined || between.includes(authority)) return undefined
      if (authority.checkIssued(authority)) return between
      between.push(authority)
      one = authority
    }
  }

  #trustsAllOf(other: ClientTrust): boolean {
    const known = new Set(this.#authorities.map(({ fingerprint256 }) => fingerprint256))
    return other.#authorities.every(({ fingerprint256 }) => known.has(fingerprint256))
  }
}

const EXPIRED = 'it has expired'
const REVOKED = 'it was revoked'
const PERHAPS_REVOKED = 'one of its authorities may have been revoked since, which is seen when it is shown again'
const UNKNOWN_AUTHORITY = 'it is of no authority that is trusted here'

/** What OpenSSL says of a certificate, for people. */
const REFUSALS: readonly (readonly [code: RegExp, says: string])[] = [
  [/^CERT_HAS_EXPIRED$/, EXPIRED],
  [/^CERT_NOT_YET_VALID$/, 'it is not valid yet'],
  [/^CERT_REVOKED$/, REVOKED],
  [/SELF_SIGNED_CERT|^UNABLE_TO_(VERIFY|GET_ISSUER)|^CERT_(UNTRUSTED|SIGNATURE_FAILURE)$/, UNKNOWN_AUTHORITY],
  [/^INVALID_PURPOSE$/, 'it is not for clients'],
  [/^UNABLE_TO_GET_CRL/, 'nobody says which certificates of its authority were revoked (EVENT_TLS_CRL_FILE)'],
  [/^CRL_HAS_EXPIRED$/, 'the list of revoked certificates (EVENT_TLS_CRL_FILE) has expired']
]

function refusal(code: string): string {
  return REFUSALS.find(([pattern]) => pattern.test(code))?.[1] ?? `it does not hold (${code})`
}
