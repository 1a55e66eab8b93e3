import 'reflect-metadata'
import type { X509Certificate } from 'node:crypto'
import { X509Certificate as Certificate, X509Crl } from '@peculiar/x509'

/** Which certificates their authorities have revoked. */
export class Revocations {
  /** The serial numbers, by the name of the authority, encoded. */
  readonly #serials = new Map<string, Set<string>>()

  /** Takes the lists of a file in PEM. Throws for what is none, and for a list that has expired. */
  constructor(pem: Buffer, now: number) {
    const lists = pem.toString('latin1').match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g)
    if (lists === null) {
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
    const { issuerName } = new Certificate(certificate.raw)
    const serials = this.#serials.get(textOf(issuerName.toArrayBuffer()))
    return serials?.has(plain(certificate.serialNumber)) === true
  }
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
