import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, SecureServerOptions } from 'node:http2'
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { type Clock, type Logger, WatchedFiles } from '@tradpal/event-system'
import type { ClientCertificate, TlsFiles } from '../access/index.ts'
import { nameOf } from './certificate-name.ts'
import { ClientTrust } from './client-trust.ts'
import { connectionOf } from './connection.ts'
import { textsIn } from './pem.ts'
import type { Revocations } from './revocations.ts'
import { checkServerCertificate } from './server-certificate.ts'

/** Mozilla's intermediate list without finite-field Diffie-Hellman: TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticates what it encrypts. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305'
].join(':')

/** Undefined where there is no list. */
type ReadRevocations = ((pem: Buffer) => Revocations) | undefined

/** What the files say at one time. */
interface Material {
  readonly context: SecureContextOptions
  /** Undefined: nobody is asked for a certificate. */
  readonly trust: ClientTrust | undefined
}

/** What is known of a connection. */
interface KnownConnection {
  readonly trust: ClientTrust
  readonly certificate: ClientCertificate | undefined
  /** In ms since the epoch. */
  readonly validTo: number
}

/** The TLS of the service: what its server needs, and whose the certificates are that clients show. */
export class ServiceTls {
  readonly #files: WatchedFiles<Material>
  readonly #clock: Clock
  readonly #servers = new Set<Http2SecureServer>()
  /** What held when a connection began. */
  readonly #begunUnder = new WeakMap<object, ClientTrust>()
  readonly #known = new WeakMap<object, KnownConnection>()

  private constructor(files: TlsFiles, logger: Logger, clock: Clock, readRevocations: ReadRevocations) {
    const { certFile, keyFile, clientCaFile, crlFile } = files
    this.#clock = clock
    this.#files = new WatchedFiles({
      what: 'the files for TLS',
      paths: [certFile, keyFile, clientCaFile, crlFile].filter((file) => file !== undefined),
      parse: (cert, key, ca, crl) => materialOf({ cert, key, ca, crl } as Pems, keyFile, clock.now(), readRevocations),
      logger,
      onChange: ({ context }) => {
        for (const server of this.#servers) server.setSecureContext(context)
      }
    }).start()
  }

  /** Rejects with `invalid_options` when the files cannot be used. */
  static async read(files: TlsFiles, logger: Logger, clock: Clock): Promise<ServiceTls> {
    if (files.crlFile === undefined) return new ServiceTls(files, logger, clock, undefined)
    // Only who has such a list needs what reads it.
    const { Revocations } = await import('./revocations.ts')
    return new ServiceTls(files, logger, clock, (pem) => new Revocations(pem, clock.now()))
  }

  /** HTTP/2, and HTTP/1.1 for who speaks only that. */
  get serverOptions(): SecureServerOptions {
    const { context, trust } = this.#files.content
    return {
      ...context,
      allowHTTP1: true,
      // One that cannot be taken is refused with a sentence, by whoever knows the request.
      requestCert: trust !== undefined,
      rejectUnauthorized: false
    }
  }

  /** Gives a server that was made of {@link serverOptions} what changes in the files; connections that are open go on, and so do those whose certificate does not verify. */
  keepFresh(server: Http2SecureServer): void {
    this.#servers.add(server)
    const begin = (connection: object) => {
      const { trust } = this.#files.content
      if (trust !== undefined) this.#begunUnder.set(connection, trust)
    }
    server.on('secureConnection', clearErrors).on('secureConnection', begin).on('session', begin)
  }

  /** The certificate that the sender of a request showed when it connected. Looked at once for each connection, and again when the files change or it expires. */
  certificateOf(request: IncomingMessage | Http2ServerRequest): ClientCertificate | undefined {
    const { trust } = this.#files.content
    if (trust === undefined) return undefined
    const connection = connectionOf(request)
    const known = this.#known.get(connection)
    const now = this.#clock.now()
    if (known?.trust === trust && now < known.validTo) return known.certificate
    const socket = request.socket as TLSSocket
    const shown = socket.getPeerX509Certificate()
    const begunUnder = this.#begunUnder.get(connection)
    const found = {
      trust,
      certificate: shown && judged(shown, socket, trust, begunUnder, now),
      validTo: shown !== undefined && shown.validToDate.getTime() > now ? shown.validToDate.getTime() : Infinity
    }
    this.#known.set(connection, found)
    return found.certificate
  }

  close(): void {
    this.#files.close()
  }
}

interface Pems {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
  readonly crl: Buffer | undefined
}

function materialOf({ cert, key, ca, crl }: Pems, keyFile: string, now: number, readRevocations: ReadRevocations) {
  checkServerCertificate(cert, key, keyFile, now)
  const trust = ca && new ClientTrust(ca, crl && readRevocations?.(crl))
  const context: SecureContextOptions = {
    cert,
    key,
    ciphers: CIPHERS,
    minVersion: 'TLSv1.2',
    // The client knows best which cipher its machine is fast at: all of them are good.
    honorCipherOrder: false,
    ...(ca === undefined ? {} : { ca }),
    // Of one text Node takes the first list alone.
    ...(crl === undefined ? {} : { crl: textsIn(crl, 'X509 CRL') })
  }
  createSecureContext(context)
  return { context, trust }
}

function judged(
  shown: X509Certificate,
  socket: TLSSocket,
  trust: ClientTrust,
  begunUnder: ClientTrust | undefined,
  now: number
): ClientCertificate {
  const refused =
    begunUnder === trust ? trust.mistakeOf(shown, socket, now) : trust.mistakeOfEarlier(shown, socket, begunUnder, now)
  if (refused !== undefined) return { refused }
  const name = nameOf(shown)
  return name === undefined ? { refused: NAMELESS } : { name }
}

const NAMELESS =
  'it has no name for a principal, a URI, DNS name, e-mail address or common name of 1 to 200 characters, no *, and not anonymous'

/**
 * What OpenSSL notes of a client certificate that does not verify stays in its queue of errors, and Node takes it for the end of the
 * connection when it has read what came with the handshake. To ask for the certificate clears the queue.
 */
function clearErrors(socket: TLSSocket): void {
  socket.getPeerX509Certificate()
}
