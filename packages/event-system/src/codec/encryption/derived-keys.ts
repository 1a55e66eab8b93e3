import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

const KEY_BYTES = 32
const SALT_BYTES = 16
const PURPOSE = 'tradpal-events aes-256-gcm'
const PURPOSE_OF_NAMES = 'tradpal-events hmac-sha-256 of names'
/** So many keys of writers are kept by a reader, the last that were used. */
const MOST = 1_000
/** How many names are kept with what stands for them. */
const MOST_NAMES = 10_000
/**
 * NIST SP 800-38D allows 2^32 random IVs under one key, which a platform would use up in a day: so each writer has keys of
 * its own, each for a quarter of that.
 */
const EVENTS_PER_KEY = 2 ** 30

/** The key under which one writer seals. */
export interface WriterKey {
  readonly salt: string
  readonly key: KeyObject
}

/** The keys that are derived from one key of a ring (HKDF-SHA-256), each by a salt that stands in what it sealed. */
export class DerivedKeys {
  readonly #master: KeyObject
  readonly #bySalt = new LRUCache<string, KeyObject>({ max: MOST })
  readonly #names = new LRUCache<string, string>({ max: MOST_NAMES })
  #nameKey: KeyObject | undefined
  #own: WriterKey | undefined
  #left = 0

  constructor(master: KeyObject) {
    this.#master = master
  }

  /** For the next text that is sealed. */
  next(): WriterKey {
    if (this.#own === undefined || this.#left === 0) {
      const salt = randomBytes(SALT_BYTES).toString('base64url')
      this.#own = { salt, key: this.#derive(salt) }
      this.#left = EVENTS_PER_KEY
    }
    this.#left--
    return this.#own
  }

  ofSalt(salt: string): KeyObject {
    if (salt === this.#own?.salt) return this.#own.key
    const known = this.#bySalt.get(salt)
    if (known !== undefined) return known
    const key = this.#derive(salt)
    this.#bySalt.set(salt, key)
    return key
  }

  /** What stands for a name where names are compared and must not be read: HMAC-SHA-256 (RFC 2104). */
  nameOf(name: string): string {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    this.#nameKey ??= this.#derive('', PURPOSE_OF_NAMES)
    const code = createHmac('sha256', this.#nameKey).update(name).digest('base64url')
    this.#names.set(name, code)
    return code
  }

  #derive(salt: string, purpose = PURPOSE): KeyObject {
    const bytes = hkdfSync('sha256', this.#master, Buffer.from(salt, 'base64url'), purpose, KEY_BYTES)
    return createSecretKey(Buffer.from(bytes))
  }
}
