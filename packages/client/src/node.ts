/** For Node alone: how the client trusts an authority of its own, and shows a certificate. */
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { EventSystemError, onlyOptions } from '@tradpal/events'
import { Agent, buildConnector, fetch } from 'undici'

/** How a service is reached by TLS. The files are PEM, and read for each connection: renewed ones need no restart. */
export interface TlsFetchOptions {
  /** The certificates of the authorities that are trusted. Default: those that Node comes with. */
  readonly caFile?: string
  /** The client certificate, for a service that asks for one; `keyFile` belongs to it. Default: none. */
  readonly certFile?: string
  /** The private key of the client certificate, without a passphrase. */
  readonly keyFile?: string
  /** The name that the certificate of the service must have. Default: the host of the URL. */
  readonly serverName?: string
}

/**
 * A `fetch` for the {@link EventClient} that speaks TLS as the files say. Throws `invalid_options` for files that cannot be used.
 *
 *     new EventClient({ url: 'https://events.internal:8011', fetch: tlsFetch({ caFile: './certs/ca.pem' }) })
 */
export function tlsFetch(options: TlsFetchOptions): typeof globalThis.fetch {
  onlyOptions('tlsFetch()', options, { caFile: true, certFile: true, keyFile: true, serverName: true })
  secureContextOf(options)
  const servername = options.serverName
  const dispatcher = new Agent({
    connect(target, callback) {
      try {
        const secureContext = secureContextOf(options)
        buildConnector({ secureContext })(servername === undefined ? target : { ...target, servername }, callback)
      } catch (error) {
        callback(error as Error, null)
      }
    }
  })
  // Both are the fetch of the standard, of two versions of the same library.
  const sent = fetch as unknown as (input: unknown, init: object) => Promise<Response>
  return (input, init) => sent(input, { ...init, dispatcher })
}

function secureContextOf(options: TlsFetchOptions): SecureContext {
  const { caFile, certFile, keyFile } = options
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw invalid('certFile and keyFile belong together: give both, or none.')
  }
  const [ca, cert, key] = [pem('caFile', caFile), pem('certFile', certFile), pem('keyFile', keyFile)]
  try {
    return createSecureContext({ ca, cert, key })
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined)
    const message = `The files for TLS, ${files.join(', ')}, cannot be used together: ${(cause as Error).message}.`
    throw invalid(message, cause)
  }
}

function pem(option: keyof TlsFetchOptions, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined
  const content = contentOf(option, file)
  if (content.includes('-----BEGIN ')) return content
  throw invalid(`The ${option} for TLS, ${file}, holds no PEM: a text with a line -----BEGIN …-----.`)
}

function contentOf(option: keyof TlsFetchOptions, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw invalid(`The ${option} for TLS, ${file}, cannot be read: ${(cause as Error).message}.`, cause)
  }
}

function invalid(message: string, cause?: unknown): EventSystemError {
  return new EventSystemError('invalid_options', message, { cause })
}
