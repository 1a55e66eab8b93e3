import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator
} from '@peculiar/x509'
import { EventSystemError } from '@tradpal/events'

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' }
const DAY_MS = 86_400_000
const VALID_DAYS = 90
const AUTHORITY_VALID_DAYS = 730
/** Clocks differ: valid so long before it was made, in ms. */
const BACKDATED_MS = 3_600_000

/** A certificate and its key, in files. */
export interface CertificatePair {
  readonly file: string
  /** For people. */
  readonly subject: string
  readonly validUntil: Date
  /** Whether it was made now, or was there. */
  readonly made: boolean
}

interface Authority {
  readonly pair: CertificatePair
  readonly certificate: X509Certificate
  readonly key: webcrypto.CryptoKey
}

/** An authority for development, and what it has issued, in one folder. */
export class CertificateFolder {
  readonly #dir: string
  readonly #authority: Authority

  private constructor(dir: string, authority: Authority) {
    this.#dir = dir
    this.#authority = authority
  }

  /** Its authority is the one that is there, or a new one. Rejects with `invalid_options` when that cannot be read, or is at its end. */
  static async open(dir: string): Promise<CertificateFolder> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const found = await readPair(dir, 'ca')
    const authority = found === undefined ? await newAuthority(dir) : await authorityOf(found)
    return new CertificateFolder(dir, authority)
  }

  get authority(): CertificatePair {
    return this.#authority.pair
  }

  /** The certificate of a service with these names and addresses. One that is there is kept, unless `force`. */
  server(names: readonly string[], force: boolean): Promise<CertificatePair> {
    const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const)
    return this.#issue('server', names.join(', '), force, names[0] ?? 'server', [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(alternatives)
    ])
  }

  /** The certificate of a client, whose common name is the principal. One that is there is kept, unless `force`. */
  client(name: string, force: boolean): Promise<CertificatePair> {
    return this.#issue(name, `client ${name}`, force, name, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])
    ])
  }

  async #issue(
    file: string,
    subject: string,
    force: boolean,
    commonName: string,
    extensions: readonly Extension[]
  ): Promise<CertificatePair> {
    const found = force ? undefined : await readPair(this.#dir, file)
    if (found !== undefined) return { ...found.pair, subject }
    const keys = await newKeys()
    const certificate = await X509CertificateGenerator.create({
      subject: [{ CN: [commonName] }],
      issuer: this.#authority.certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#authority.key,
      ...validFor(VALID_DAYS),
      extensions: [
        new BasicConstraintsExtension(false),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature),
        ...extensions
      ]
    })
    return writePair(this.#dir, file, subject, certificate, keys.privateKey)
  }
}

async function newAuthority(dir: string): Promise<Authority> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['TradPal development'] }],
    keys,
    ...validFor(AUTHORITY_VALID_DAYS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)
    ]
  })
  const pair = await writePair(dir, 'ca', AUTHORITY, certificate, keys.privateKey)
  return { pair, certificate, key: keys.privateKey }
}

const AUTHORITY = 'the authority'

interface FoundPair {
  readonly pair: CertificatePair
  readonly certificate: X509Certificate
  readonly keyPem: string
}

async function authorityOf({ pair, certificate, keyPem }: FoundPair): Promise<Authority> {
  if (pair.validUntil.getTime() < Date.now() + VALID_DAYS * DAY_MS) {
    throw new EventSystemError(
      'invalid_options',
      `The authority ${pair.file} is valid until ${pair.validUntil.toISOString()} only, which is too short to issue anything; take another folder (--dir).`
    )
  }
  const [encoded] = PemConverter.decode(keyPem)
  const key = await webcrypto.subtle.importKey('pkcs8', encoded as ArrayBuffer, CURVE, false, ['sign'])
  return { pair: { ...pair, subject: AUTHORITY }, certificate, key }
}

/** Undefined when there is none. One without the other is a mistake that nothing is written over. */
async function readPair(dir: string, name: string): Promise<FoundPair | undefined> {
  const { file, keyFile } = filesOf(dir, name)
  const [pem, keyPem] = await Promise.all([contentOf(file), contentOf(keyFile)])
  if (pem === undefined && keyPem === undefined) return undefined
  if (pem === undefined || keyPem === undefined) {
    const [there, missing] = pem === undefined ? [keyFile, file] : [file, keyFile]
    throw new EventSystemError(
      'invalid_options',
      `There is ${there} and no ${missing}: remove it, or put the other back.`
    )
  }
  try {
    const certificate = new X509Certificate(pem)
    return { pair: { file, subject: name, validUntil: certificate.notAfter, made: false }, certificate, keyPem }
  } catch (cause) {
    throw new EventSystemError('invalid_options', `${file} holds no certificate in PEM.`, { cause })
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new EventSystemError('invalid_options', `${file} cannot be read: ${error.message}.`, { cause: error })
  })
}

/** Neither file is there with another mode than its own, not for a moment. */
async function writePair(
  dir: string,
  name: string,
  subject: string,
  certificate: X509Certificate,
  privateKey: webcrypto.CryptoKey
): Promise<CertificatePair> {
  const { file, keyFile } = filesOf(dir, name)
  const encoded = await webcrypto.subtle.exportKey('pkcs8', privateKey)
  await Promise.all([rm(file, { force: true }), rm(keyFile, { force: true })])
  await writeFile(keyFile, `${PemConverter.encode(encoded, 'PRIVATE KEY')}\n`, { mode: 0o600, flag: 'wx' })
  await writeFile(file, `${certificate.toString('pem')}\n`, { mode: 0o600, flag: 'wx' })
  return { file, subject, validUntil: certificate.notAfter, made: true }
}

function filesOf(dir: string, name: string): { file: string; keyFile: string } {
  return { file: join(dir, `${name}.pem`), keyFile: join(dir, `${name}-key.pem`) }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify'])
}

function validFor(days: number) {
  const now = Date.now()
  return {
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: SIGNATURE
  }
}
