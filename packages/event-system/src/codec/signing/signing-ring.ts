import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify
} from 'node:crypto'
import { isJsonObject, type JsonObject } from '@tradpal/events'
import { ringIn } from '../key-file.ts'

const LEAST_SECRET_BYTES = 32
const KEY_ID = /^[A-Za-z0-9_-]{1,64}$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const FORM =
  '{"current": "desk", "keys": {"desk": {"algorithm": "ed25519", "private_key": "<PEM>"}, "other": {"algorithm": "ed25519", "public_key": "<PEM>"}, "third": {"algorithm": "hmac-sha-256", "secret": "<base64 of 32 bytes>"}}}'

/** A key that verifies signatures, and makes them where it can. */
export interface SigningKey {
  readonly algorithm: 'ed25519' | 'hmac-sha-256'
  verify(text: string, signature: Buffer): boolean
  /** Undefined for a public key. */
  readonly sign: ((text: string) => Buffer) | undefined
}

export interface SigningRing {
  /** Whose key signs. Undefined where events are only verified. */
  readonly current: string | undefined
  readonly keys: ReadonlyMap<string, SigningKey>
}

/** Throws a sentence that says what is wrong with a ring, and never what stands in it but for the ids. */
export function signingRingOf(json: string): SigningRing {
  const ring = ringIn(json, FORM)
  if (!['string', 'undefined'].includes(typeof ring.current)) throw new Error(`It must have the form ${FORM}.`)
  const keys = new Map(Object.entries(ring.keys as JsonObject).map(([id, key]) => [id, signingKey(id, key)]))
  const current = ring.current as string | undefined
  if (current !== undefined && keys.get(current)?.sign === undefined) {
    throw new Error(
      'The current key is not among the keys that can sign: current must be the id of one with a private_key or a secret, or be left out.'
    )
  }
  return { current, keys }
}

function signingKey(id: string, key: unknown): SigningKey {
  if (!KEY_ID.test(id))
    throw new Error('The id of a key must be 1 to 64 letters, digits, hyphens and underscores, such as desk-1.')
  const { algorithm, secret, private_key: privateKey, public_key: publicKey } = isJsonObject(key) ? key : {}
  if (algorithm === 'hmac-sha-256' && typeof secret === 'string') return hmacKey(id, secret)
  if (algorithm === 'ed25519' && typeof privateKey === 'string')
    return ed25519Key(id, () => createPrivateKey(privateKey))
  if (algorithm === 'ed25519' && typeof publicKey === 'string') return ed25519Key(id, () => createPublicKey(publicKey))
  throw new Error(
    `The key ${id} must be of an algorithm, hmac-sha-256 with a secret or ed25519 with a private_key or a public_key: ${FORM}.`
  )
}

function hmacKey(id: string, secret: string): SigningKey {
  const bytes = Buffer.from(secret, 'base64')
  if (!BASE64.test(secret) || bytes.length < LEAST_SECRET_BYTES) {
    throw new Error(`The secret of the key ${id} must be the base64 of ${LEAST_SECRET_BYTES} random bytes or more.`)
  }
  const key = createSecretKey(bytes)
  const mac = (text: string) => createHmac('sha256', key).update(text).digest()
  return {
    algorithm: 'hmac-sha-256',
    sign: mac,
    verify(text, signature) {
      const expected = mac(text)
      return signature.length === expected.length && timingSafeEqual(signature, expected)
    }
  }
}

function ed25519Key(id: string, read: () => KeyObject): SigningKey {
  const key = keyOrNothing(read)
  if (key?.asymmetricKeyType !== 'ed25519') throw new Error(`The key ${id} must be an Ed25519 key in PEM.`)
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return {
    algorithm: 'ed25519',
    sign: key.type === 'private' ? (text) => sign(null, Buffer.from(text), key) : undefined,
    verify: (text, signature) => verify(null, Buffer.from(text), publicKey, signature)
  }
}

/** What the reader of a PEM says may quote it. */
function keyOrNothing(read: () => KeyObject): KeyObject | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
