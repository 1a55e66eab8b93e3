import { type Clock, type Documents, EventSystemError, type Logger } from '@tradpal/event-system'
import { API_KEY_USES, API_KEYS, isAlive, isSecretOf, KNOWN_FOR_MS, keyParts, type StoredApiKey } from './api-keys.ts'

/** Older than this, in ms, what is known is asked for anew while it still holds. */
const ASK_AHEAD_MS = KNOWN_FOR_MS / 2
/** While the log is away, what was last known of the keys holds for so long, in ms: nobody can revoke one there meanwhile. */
const STALE_MS = 15 * 60_000
/** How often it is written down that a key is used, in ms. */
const USE_EVERY_MS = 60_000
/** So many texts of keys are remembered. */
const MOST_KNOWN = 10_000

export interface KeyBookOptions {
  readonly documents: Documents
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * The API keys, in memory. Of a key that was shown before, what was asked of the log at most {@link KNOWN_FOR_MS} ago holds: whoever
 * ends one waits longer than that, so that it lets in no request that is sent afterwards, and hardly a request waits for the log. (Leases:
 * Gray and Cheriton, Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency, SOSP 1989.)
 */
export class KeyBook {
  readonly #options: KeyBookOptions
  #keys: ReadonlyMap<string, StoredApiKey> = new Map()
  /** Those of {@link #keys} that were shown, by their texts: hashing one at each request would cost more than all else that is looked at. */
  #shown = new Map<string, StoredApiKey>()
  #revision = -1
  #seenAt = Number.NEGATIVE_INFINITY
  /** By `performance.now()`, as no clock that somebody may set. */
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  readonly #used = new Map<string, number>()

  constructor(options: KeyBookOptions) {
    this.#options = options
  }

  /** The key of which this is the text. Rejects with `unauthenticated`, and with `log_unavailable` and its kin when nobody can know. */
  async find(text: string): Promise<StoredApiKey> {
    const arrivedAt = performance.now()
    await this.#askedSince(this.#shown.has(text) ? arrivedAt - KNOWN_FOR_MS : arrivedAt)
    if (this.#askedAt < arrivedAt - ASK_AHEAD_MS) this.#ask().catch(() => {})
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

  async #askedSince(time: number): Promise<void> {
    while (this.#askedAt < time) await this.#ask()
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#look().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** Behind those who ask at the same moment. */
  async #look(): Promise<void> {
    await undefined
    const { documents, clock } = this.#options
    const askedAt = performance.now()
    try {
      const revision = await documents.revision(API_KEYS)
      if (revision !== this.#revision) await this.#load(revision)
      this.#seenAt = clock.now()
    } catch (error) {
      if (clock.now() - this.#seenAt > STALE_MS) throw error
    }
    this.#askedAt = askedAt
  }

  async #load(revision: number): Promise<void> {
    const documents = await this.#options.documents.all(API_KEYS)
    this.#keys = new Map(documents.map(({ id, value }) => [id, JSON.parse(value) as StoredApiKey]))
    this.#shown = new Map()
    this.#revision = revision
  }

  /** Nobody waits for it, and a request is not refused because it could not be written. */
  #noteUse(id: string, now: number): void {
    if (now - (this.#used.get(id) ?? Number.NEGATIVE_INFINITY) < USE_EVERY_MS) return
    this.#used.set(id, now)
    const { documents, logger } = this.#options
    documents.put(API_KEY_USES, id, String(now)).catch((error) => {
      logger.debug({ key: id, err: error }, 'the use of an API key could not be written down')
    })
  }
}

function refused(sentence: string): EventSystemError {
  return new EventSystemError('unauthenticated', sentence)
}
