import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { statSync } from 'node:fs'
import { textsIn } from './pem.ts'

/** Refuses, with a sentence, a certificate of a server and a key that a service could not be reached with. */
export function checkServerCertificate(cert: Buffer, key: Buffer, keyFile: string, now: number): void {
  mustBePrivate(keyFile)
  const certificate = firstCertificate(cert, 'EVENT_TLS_CERT_FILE')
  if (!certificate.checkPrivateKey(privateKey(key))) {
    throw new Error('the key (EVENT_TLS_KEY_FILE) is not that of the certificate (EVENT_TLS_CERT_FILE).')
  }
  if (certificate.validToDate.getTime() <= now) {
    throw new Error(
      `the certificate expired at ${certificate.validToDate.toISOString()}; it needs a new one (EVENT_TLS_CERT_FILE).`
    )
  }
  if (certificate.validFromDate.getTime() > now) {
    throw new Error(
      `the certificate is valid from ${certificate.validFromDate.toISOString()} only (EVENT_TLS_CERT_FILE); is the clock of this machine right?`
    )
  }
}

/** All certificates of a file. */
export function certificatesIn(pem: Buffer, variable: string): X509Certificate[] {
  const texts = textsIn(pem, 'CERTIFICATE')
  if (texts.length === 0) {
    throw new Error(`${variable} holds no certificate in PEM: a text with a line -----BEGIN CERTIFICATE-----.`)
  }
  return texts.map((text) => parsed(text, variable))
}

function firstCertificate(pem: Buffer, variable: string): X509Certificate {
  return certificatesIn(pem, variable)[0] as X509Certificate
}

function parsed(text: string, variable: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw new Error(`${variable} holds a certificate that cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

function privateKey(pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new Error('EVENT_TLS_KEY_FILE holds no private key in PEM, or one with a passphrase; it must have none.', {
      cause
    })
  }
}

/** Its owner may read and write it, its group read it, and others nothing. */
function mustBePrivate(keyFile: string): void {
  const mode = statSync(keyFile).mode & 0o777
  if ((mode & (OF_OTHERS | GROUP_WRITE)) === 0) return
  const shown = mode.toString(8).padStart(3, '0')
  throw new Error(
    `the key (EVENT_TLS_KEY_FILE) has mode ${shown}, so that more than its owner and its group can have it; chmod 600 or 640 it.`
  )
}

const OF_OTHERS = 0o007
const GROUP_WRITE = 0o020
