import { createPublicKey } from 'node:crypto'
import { statSync } from 'node:fs'
import { EventSystemError, type Logger, WatchedFiles } from '@tradpal/event-system'
import { createLocalJWKSet, type JWK } from 'jose'
import { PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS } from './signature-algorithms.ts'
import { type KeyHint, keyAmong, type TokenKey, type TokenKeys } from './token-keys.ts'

/** RSA keys below are broken within reach (RFC 7518, 3.3). */
const LEAST_RSA_BITS = 2_048

export interface FileKeysOptions {
  readonly path: string
  readonly algorithms: readonly string[]
  readonly logger: Logger
  readonly onChange: () => void
}

type Find = TokenKeys['find']

/** The keys of an issuer in a file: a public key in PEM, a JWK or a JWKS, or a secret where the algorithms have one. */
export class FileKeys implements TokenKeys {
  readonly #file: WatchedFiles<Find>

  /** Throws `invalid_options` when the file cannot be used, or does not fit the algorithms. */
  constructor({ path, algorithms, logger, onChange }: FileKeysOptions) {
    const leastBytes = Math.max(0, ...algorithms.map((algorithm) => SECRET_ALGORITHMS[algorithm] ?? 0))
    this.#file = new WatchedFiles({
      what: 'the key of the tokens (EVENT_JWT_KEY_FILE)',
      paths: [path],
      parse: (bytes) => {
        if (leastBytes === 0) return publicKeysOf(bytes.toString('utf8'), algorithms)
        assertOwnersAlone(path)
        return secretOf(bytes, leastBytes)
      },
      logger,
      onChange
    }).start()
  }

  find(hint: KeyHint): Promise<TokenKey | undefined> {
    return this.#file.content(hint)
  }

  close(): void {
    this.#file.close()
  }
}

function assertOwnersAlone(path: string): void {
  if ((statSync(path).mode & 0o077) === 0) return
  throw wrong('it has a secret, and others than its owner may read it; chmod 600 makes it right')
}

/** Without the line break that editors put at the end. */
function secretOf(bytes: Buffer, leastBytes: number): Find {
  const text = bytes.toString('latin1').replace(/\r?\n$/, '')
  if (/^\s*(\{|-----BEGIN )/.test(text)) {
    throw wrong(
      'it is a key in PEM or JSON, and the algorithms (EVENT_JWT_ALGORITHMS) are those of a secret; a public key is none'
    )
  }
  const secret = new Uint8Array(Buffer.from(text, 'latin1'))
  if (secret.byteLength < leastBytes) {
    throw wrong(`a secret must have ${leastBytes} bytes or more for these algorithms, it has ${secret.byteLength}`)
  }
  return async () => secret
}

function publicKeysOf(text: string, algorithms: readonly string[]): Find {
  if (text.includes('PRIVATE KEY-----')) throw wrong(PRIVATE)
  if (/^-----BEGIN (RSA )?PUBLIC KEY-----/m.test(text)) {
    const key = createPublicKey(text).export({ format: 'jwk' }) as JWK
    const set = setOf([key], algorithms)
    // A key in PEM has no name: whatever the token calls it, it is this one.
    return ({ alg }) => keyAmong(set, { alg })
  }
  const set = setOf(keysOf(text), algorithms)
  return (hint) => keyAmong(set, hint)
}

function keysOf(text: string): readonly JWK[] {
  const content = jsonOf(text)
  const keys = isObject(content) && Array.isArray(content.keys) ? content.keys : [content]
  if (keys.every(isObject)) return keys
  throw wrong('it must have a public key in PEM (BEGIN PUBLIC KEY), a JWK or a JWKS')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrong('it must have a public key in PEM (BEGIN PUBLIC KEY), a JWK or a JWKS')
  }
}

function setOf(keys: readonly JWK[], algorithms: readonly string[]) {
  for (const key of keys) {
    if (key.kty === 'oct') throw wrong('it has a secret (kty oct), and the algorithms are those of public keys')
    if (key.d !== undefined || key.priv !== undefined) throw wrong(PRIVATE)
  }
  const usable = keys.filter((key) => algorithms.some((algorithm) => fits(key, algorithm)))
  if (usable.length === 0) {
    throw wrong(`it has no key for ${algorithms.join(', ')} (EVENT_JWT_ALGORITHMS)`)
  }
  for (const key of usable) {
    const { modulusLength } = createPublicKey({ key: { ...key }, format: 'jwk' }).asymmetricKeyDetails ?? {}
    if (modulusLength !== undefined && modulusLength < LEAST_RSA_BITS) {
      throw wrong(`a key of RSA must have ${LEAST_RSA_BITS} bits or more, it has one of ${modulusLength}`)
    }
  }
  return createLocalJWKSet({ keys: usable })
}

function fits({ kty, crv, alg, use }: JWK, algorithm: string): boolean {
  const wanted = PUBLIC_KEY_ALGORITHMS[algorithm]
  if (wanted === undefined || kty !== wanted.kty || (wanted.crv !== undefined && crv !== wanted.crv)) return false
  return (alg === undefined || alg === algorithm) && (use === undefined || use === 'sig')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const PRIVATE = 'it has a private key, which nobody but the issuer may have; put its public key here'

function wrong(reason: string): EventSystemError {
  return new EventSystemError('invalid_options', reason)
}
