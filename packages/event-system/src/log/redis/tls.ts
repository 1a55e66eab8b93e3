import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { EventSystemError } from '@tradpal/events'

/** How a Redis is reached by TLS. The files are PEM, and read for each connection: renewed ones need no restart. */
export interface RedisTlsOptions {
  /** The certificates of the authorities that are trusted. Default: those that Node comes with. */
  readonly caFile?: string
  /** The client certificate, for a server that asks for one; `keyFile` belongs to it. Default: none. */
  readonly certFile?: string
  /** The private key of the client certificate, without a passphrase. */
  readonly keyFile?: string
  /** The name that the server's certificate must have. Default: the host of the URL, or the one that the server was found by. */
  readonly serverName?: string
}

/** What the driver takes. */
export interface TlsMaterial {
  readonly secureContext: SecureContext
  readonly servername?: string
}

/** Rejects with `invalid_options` when a file cannot be read, or holds something else. */
export async function readTls(options: RedisTlsOptions): Promise<TlsMaterial> {
  const { caFile, certFile, keyFile, serverName } = options
  const [ca, cert, key] = await Promise.all([
    readPem('caFile', caFile),
    readPem('certFile', certFile),
    readPem('keyFile', keyFile)
  ])
  try {
    const secureContext = createSecureContext({ ca, cert, key })
    return serverName === undefined ? { secureContext } : { secureContext, servername: serverName }
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined)
    const message = `The files for TLS to Redis, ${files.join(', ')}, cannot be used together: ${(cause as Error).message}.`
    throw new EventSystemError('invalid_options', message, { cause })
  }
}

async function readPem(option: keyof RedisTlsOptions, file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined
  const refuse = (why: string, cause?: unknown) =>
    new EventSystemError('invalid_options', `The ${option} for TLS to Redis, ${file}, ${why}.`, { cause })
  const content = await readFile(file).catch((cause) => {
    throw refuse(`cannot be read: ${cause.message}`, cause)
  })
  if (!content.includes('-----BEGIN ')) throw refuse('holds no PEM: a text with a line -----BEGIN …-----')
  return content
}

/** What went wrong between us and a server that is to be reached by TLS, by the code of the error. */
const FAILURES: readonly (readonly [code: RegExp, says: string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired; it needs a new one'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet; is the clock of this machine right'],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'its certificate is for another name; if it is the right server, say that name as tls.serverName (EVENT_REDIS_TLS_SERVER_NAME)'
  ],
  [
    /^(DEPTH_ZERO_)?SELF_SIGNED_CERT|^UNABLE_TO_(VERIFY|GET_ISSUER)|^CERT_(UNTRUSTED|SIGNATURE_FAILURE)$/,
    'its certificate is of no authority that is trusted here; give that of its authority as tls.caFile (EVENT_REDIS_TLS_CA_FILE)'
  ],
  [
    /ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/,
    'it wants a client certificate; give one as tls.certFile and tls.keyFile (EVENT_REDIS_TLS_CERT_FILE, EVENT_REDIS_TLS_KEY_FILE)'
  ],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)$/,
    'it refused the client certificate (tls.certFile): is it of an authority that the server trusts, and still valid'
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    'it speaks no TLS there; a URL that begins with redis:// is for that'
  ]
]

/** What a failure of TLS means, and what to do; `undefined` for any other. */
export function tlsFailure(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? FAILURES.find(([pattern]) => pattern.test(code))?.[1] : undefined
}
