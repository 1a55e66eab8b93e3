import { type ApiKey, type Clock, EventSystemError, onlyOptions, systemClock } from '@tradpal/events'
import type { Documents } from '../log/index.ts'
import { type Logger, type LoggerOption, loggerOf } from '../runtime/index.ts'
import { API_KEY_USES, API_KEYS, isAlive, isSecretOf, KNOWN_FOR_MS, keyParts, type StoredApiKey } from './api-keys.ts'

/** The age, in ms, from which an answer of the log is renewed in the background while it still holds. */
const ASK_AHEAD_MS = KNOWN_FOR_MS / 2
/** How long the last answer holds while the log is away, in ms: nobody can revoke a key there meanwhile. */
const STALE_MS = 15 * 60_000
/** How often the use of a key is written down, in ms. */
const USE_EVERY_MS = 60_000
/** How many texts of keys are remembered. */
const MOST_KNOWN = 10_000

export interface KeyBookOptions {
  /** The documents of the log that has the keys. */
  readonly documents: Documents
  /** By which keys expire. Default: the system's. */
  readonly clock?: Clock
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr. */
  readonly logger?: LoggerOption
}

interface KnownKey {
  readonly apiKey: ApiKey
  readonly hash: string
}

/**
 * Finds API keys by their texts, and keeps them in memory. For a text that was shown before, an answer of the log holds for
 * {@link KNOWN_FOR_MS}. Revoking a key takes longer than that, so that the key lets in no request that is sent afterwards, and hardly any request
 * waits for the log. (Leases: Gray and Cheriton, Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency, SOSP 1989.)
 * While the log is away, the last answer holds for 15 minutes.
 */
export class KeyBook {
  readonly #documents: Documents
  readonly #clock: Clock
  readonly #logger: Logger
  #keys: ReadonlyMap<string, KnownKey> = new Map()
  /** The keys that were shown, by their texts: to hash a text for each request would cost more than all other checks. */
  #shown = new Map<string, ApiKey>()
  #revision = -1
  #seenAt = Number.NEGATIVE_INFINITY
  /** By `performance.now()`, which nobody can set. */
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  readonly #used = new Map<string, number>()

  /** Throws `invalid_options`. */
  constructor(options: KeyBookOptions) {
    onlyOptions('KeyBook', options, { documents: true, clock: true, logger: true })
    this.#documents = options.documents
    this.#clock = options.clock ?? systemClock
    this.#logger = loggerOf(options.logger)
  }

  /**
   * The key with this text: the same object until the keys change. Rejects with `unauthenticated` for a text that is no key, and for a
   * key that is unknown, expired or revoked; with `log_unavailable` and its kin when the log is away and the last answer no longer holds.
   */
  async find(text: string): Promise<ApiKey> {
    const arrivedAt = performance.now()
    await this.#askedSince(this.#shown.has(text) ? arrivedAt - KNOWN_FOR_MS : arrivedAt)
    if (this.#askedAt < arrivedAt - ASK_AHEAD_MS) this.#ask().catch(() => {})
    const key = this.#shown.get(text) ?? this.#recognized(text)
    const now = this.#clock.now()
    if (key.revokedAt !== null) throw refused(`The API key ${key.id} was revoked.`)
    if (!isAlive(key, now)) throw refused(`The API key ${key.id} has expired.`)
    this.#noteUse(key.id, now)
    return key
  }

  #recognized(text: string): ApiKey {
    const parts = keyParts(text)
    if (parts === undefined) throw refused('This is no API key: it begins with tradpal_ and has 64 characters.')
    const known = this.#keys.get(parts.id)
    if (known === undefined || !isSecretOf(parts.secret, known)) throw refused('This API key is not known here.')
    if (this.#shown.size < MOST_KNOWN) this.#shown.set(text, known.apiKey)
    return known.apiKey
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

  /** Waits first, so that one answer serves every request of this moment. */
  async #look(): Promise<void> {
    await undefined
    const askedAt = performance.now()
    try {
      const revision = await this.#documents.revision(API_KEYS)
      if (revision !== this.#revision) await this.#load(revision)
      this.#seenAt = this.#clock.now()
    } catch (error) {
      if (this.#clock.now() - this.#seenAt > STALE_MS) throw error
    }
    this.#askedAt = askedAt
  }

  async #load(revision: number): Promise<void> {
    const documents = await this.#documents.all(API_KEYS)
    this.#keys = new Map(documents.map(({ id, value }) => [id, knownKey(JSON.parse(value))]))
    this.#shown = new Map()
    this.#revision = revision
  }

  /** Nobody waits for it: a request is not refused because the use of its key could not be written. */
  #noteUse(id: string, now: number): void {
    if (now - (this.#used.get(id) ?? Number.NEGATIVE_INFINITY) < USE_EVERY_MS) return
    this.#used.set(id, now)
    this.#documents.put(API_KEY_USES, id, String(now)).catch((error) => {
      this.#logger.debug({ key: id, err: error }, 'the use of an API key could not be written down')
    })
  }
}

function knownKey({ hash, ...apiKey }: StoredApiKey): KnownKey {
  return { apiKey, hash }
}

function refused(sentence: string): EventSystemError {
  return new EventSystemError('unauthenticated', sentence)
}
