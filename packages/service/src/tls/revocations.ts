import 'reflect-metadata'
import type { X509Certificate } from 'node:crypto'
import { X509Certificate as Certificate, X509Crl } from '@peculiar/x509'
import { textsIn } from './pem.ts'

/** Which certificates their authorities have revoked. */
export class Revocations {
  /** The serial numbers, by the name of the authority, encoded. */
  readonly #serials = new Map<string, Set<string>>()

  /** Takes the lists of a file in PEM. Throws for what is none, and for a list that has expired. */
  constructor(pem: Buffer, now: number) {
    const lists = textsIn(pem, 'X509 CRL')
    if (lists.length === 0) {
      throw new Error(
        'EVENT_TLS_CRL_FILE holds no list of revoked certificates in PEM: a text with a line -----BEGIN X509 CRL-----.'
      )
    }
    for (const list of lists.map(parsed)) {
      if (list.nextUpdate !== undefined && list.nextUpdate.getTime() <= now) {
        throw new Error(
          `the list of revoked certificates (EVENT_TLS_CRL_FILE) expired at ${list.nextUpdate.toISOString()}; it needs a new one.`
        )
      }
      const issuer = textOf(list.issuerName.toArrayBuffer())
      const serials = this.#serials.get(issuer) ?? new Set()
      for (const { serialNumber } of list.entries) serials.add(plain(serialNumber))
      this.#serials.set(issuer, serials)
    }
  }

  has(certificate: X509Certificate): boolean {
    return this.#serials.get(issuerOf(certificate))?.has(plain(certificate.serialNumber)) === true
  }

  /** Whether an authority has revoked a certificate since, but for the one that issued this certificate. */
  hasMoreThan(earlier: Revocations | undefined, certificate: X509Certificate): boolean {
    const own = issuerOf(certificate)
    const before = earlier === undefined ? new Map<string, Set<string>>() : earlier.#serials
    return [...this.#serials].some(
      ([issuer, serials]) => issuer !== own && [...serials].some((serial) => !before.get(issuer)?.has(serial))
    )
  }
}

function issuerOf({ raw }: X509Certificate): string {
  return textOf(new Certificate(raw).issuerName.toArrayBuffer())
}

function parsed(text: string): X509Crl {
  try {
    return new X509Crl(text)
  } catch (cause) {
    throw new Error('EVENT_TLS_CRL_FILE holds a list of revoked certificates that cannot be read.', { cause })
  }
}

function textOf(encoded: ArrayBuffer): string {
  return Buffer.from(encoded).toString('base64')
}

/** Hexadecimal, as everybody writes the same number. */
function plain(serial: string): string {
  return serial.toLowerCase().replace(/^0+/, '')
}
