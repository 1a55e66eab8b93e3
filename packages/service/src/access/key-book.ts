import { type Clock, EventSystemError, type Logger, type Records } from '@tradpal/event-system'
import { API_KEY_USES, API_KEYS, isAlive, isSecretOf, keyParts, type StoredApiKey } from './api-keys.ts'

/** While the log is away, what was last known of the keys holds for so long, in ms: nobody can revoke one there meanwhile. */
const STALE_MS = 15 * 60_000
/** How often it is written down that a key is used, in ms. */
const USE_EVERY_MS = 60_000
/** So many texts of keys are remembered. */
const MOST_KNOWN = 10_000

export interface KeyBookOptions {
  readonly records: Records
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * The API keys, in memory. Whether they have changed is asked of the log once for all requests that are taken up together,
 * and after they came: a key that was revoked before a request was sent does not let it in.
 */
export class KeyBook {
  readonly #options: KeyBookOptions
  #keys: ReadonlyMap<string, StoredApiKey> = new Map()
  /** Those of {@link #keys} that were shown, by their texts: hashing one at each request would cost more than all else that is looked at. */
  #shown = new Map<string, StoredApiKey>()
  #revision = -1
  #seenAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  readonly #used = new Map<string, number>()

  constructor(options: KeyBookOptions) {
    this.#options = options
  }

  /** The key of which this is the text. Rejects with `unauthenticated`, and with `log_unavailable` and its kin when nobody can know. */
  async find(text: string): Promise<StoredApiKey> {
    this.#looking ??= this.#look()
    await this.#looking
    const key = this.#shown.get(text) ?? this.#recognized(text)
    const now = this.#options.clock.now()
    if (key.revokedAt !== null) throw refused(`The API key ${key.id} was revoked.`)
    if (!isAlive(key, now)) throw refused(`The API key ${key.id} has expired.`)
    this.#noteUse(key.id, now)
    return key
  }

  #recognized(text: string): StoredApiKey {
    const parts = keyParts(text)
    if (parts === undefined) throw refused('This is no API key: it begins with tradpal_ and has 64 characters.')
    const key = this.#keys.get(parts.id)
    if (key === undefined || !isSecretOf(parts.secret, key)) throw refused('This API key is not known here.')
    if (this.#shown.size < MOST_KNOWN) this.#shown.set(text, key)
    return key
  }

  /** Behind those who ask at the same moment. */
  async #look(): Promise<void> {
    await undefined
    this.#looking = undefined
    const { records, clock } = this.#options
    try {
      if ((await records.revision(API_KEYS)) !== this.#revision) await this.#load()
      this.#seenAt = clock.now()
    } catch (error) {
      if (clock.now() - this.#seenAt > STALE_MS) throw error
    }
  }

  async #load(): Promise<void> {
    const { revision, records } = await this.#options.records.list(API_KEYS)
    this.#keys = new Map(records.map(({ id, value }) => [id, JSON.parse(value) as StoredApiKey]))
    this.#shown = new Map()
    this.#revision = revision
  }

  /** Nobody waits for it, and a request is not refused because it could not be written. */
  #noteUse(id: string, now: number): void {
    if (now - (this.#used.get(id) ?? Number.NEGATIVE_INFINITY) < USE_EVERY_MS) return
    this.#used.set(id, now)
    const { records, logger } = this.#options
    records.put(API_KEY_USES, id, String(now)).catch((error) => {
      logger.debug({ key: id, err: error }, 'the use of an API key could not be written down')
    })
  }
}

function refused(sentence: string): EventSystemError {
  return new EventSystemError('unauthenticated', sentence)
}
