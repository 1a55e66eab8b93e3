import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { certificatesIn } from './server-certificate.ts'

/** Whether a certificate was revoked. */
export interface RevocationList {
  has(certificate: X509Certificate): boolean
}

/** Which client certificates are taken, as the files say it at one time. */
export class ClientTrust {
  readonly #authorities: readonly X509Certificate[]
  readonly #revocations: RevocationList | undefined

  /** Throws for a file that holds no certificate. */
  constructor(authorities: Buffer, revocations: RevocationList | undefined) {
    this.#authorities = certificatesIn(authorities, 'EVENT_TLS_CLIENT_CA_FILE')
    this.#revocations = revocations
  }

  /** Why a certificate that was shown when these files held cannot be taken; undefined when it can. A session that was taken up again brings the verdict of the first time: what may have changed since is looked at here. */
  mistakeOf(certificate: X509Certificate, { authorized, authorizationError }: TLSSocket, now: number) {
    if (!authorized) return refusal(String(authorizationError))
    if (certificate.validToDate.getTime() <= now) return EXPIRED
    return chainOf(certificate).some((one) => this.#revocations?.has(one)) ? REVOKED : undefined
  }

  /** As {@link mistakeOf}, of a certificate that was shown when other files held. */
  mistakeOfEarlier(certificate: X509Certificate, socket: TLSSocket, now: number): string | undefined {
    return this.#issued(certificate) ? this.mistakeOf(certificate, socket, now) : UNKNOWN_AUTHORITY
  }

  #issued(certificate: X509Certificate): boolean {
    return chainOf(certificate).some((one) =>
      this.#authorities.some((authority) => one.checkIssued(authority) && one.verify(authority.publicKey))
    )
  }
}

const EXPIRED = 'it has expired'
const REVOKED = 'it was revoked'
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

/** A certificate and, as far as they are known, those of its authorities, but for the root. */
function chainOf(certificate: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let one: X509Certificate | undefined = certificate; one !== undefined; one = one.issuerCertificate) {
    if (chain.length > 0 && one.checkIssued(one)) break
    chain.push(one)
  }
  return chain
}
