import { type Clock, EventSystemError, type Logger, Occurrences } from '@tradpal/event-system'
import { createRemoteJWKSet, customFetch, type FetchImplementation, type RemoteJWKSet } from 'jose'
import { type KeyHint, keyAmong, type TokenKey, type TokenKeys } from './token-keys.ts'

/** How often the keys are asked for, in ms: a key that the issuer withdraws is taken for no longer. */
const REFRESH_MS = 5 * 60_000
/** Whatever tokens come, the issuer is not asked more often, in ms. */
const ASK_EVERY_MS = 5_000
/** While the issuer does not answer, its keys hold for so long after they were last had, in ms. */
const STALE_MS = 60 * 60_000
/** How long the issuer may take to answer, in ms. */
const TIMEOUT_MS = 3_000
/** A set of 1,000 keys has less than half. */
const MAX_BYTES = 1_048_576

export interface RemoteKeysOptions {
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
  /** The set of keys is another than before. */
  readonly onChange: () => void
}

/**
 * The keys that an issuer publishes at a URL (RFC 7517), asked for every 5 minutes and when a token names one that is not
 * known. An issuer that does not answer is told to the logger, once a minute.
 */
export class RemoteKeys implements TokenKeys {
  readonly #options: RemoteKeysOptions
  readonly #set: RemoteJWKSet
  readonly #troubles: Occurrences
  readonly #closing = new AbortController()
  #content: string | undefined
  #hadAt = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY
  #trouble: EventSystemError | undefined
  #asking: Promise<void> | undefined

  constructor(options: RemoteKeysOptions) {
    this.#options = options
    this.#troubles = new Occurrences(options.clock)
    // When to ask is decided here, by the clock that is given: the set itself never does.
    this.#set = createRemoteJWKSet(new URL(options.url), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: Number.POSITIVE_INFINITY,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: fetchBounded
    })
    void this.#keepFresh()
  }

  async find(hint: KeyHint): Promise<TokenKey | undefined> {
    const isKnown = this.#options.clock.now() - this.#hadAt <= STALE_MS
    const known = isKnown ? await keyAmong(this.#set, hint) : undefined
    if (known !== undefined) return known
    await this.#ask()
    return keyAmong(this.#set, hint)
  }

  close(): void {
    this.#closing.abort()
  }

  async #keepFresh(): Promise<void> {
    const { signal } = this.#closing
    const { clock } = this.#options
    while (!signal.aborted) {
      const isFresh = await this.#ask().then(
        () => true,
        () => false
      )
      await clock.sleep(isFresh ? REFRESH_MS : ASK_EVERY_MS, signal).catch(() => undefined)
    }
  }

  /** All who ask at once share one answer, and who asks soon after it has the same. Rejects with `issuer_unavailable`. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #askOnce(): Promise<void> {
    const { clock } = this.#options
    if (clock.now() - this.#askedAt >= ASK_EVERY_MS) {
      this.#trouble = await this.#load()
      this.#askedAt = clock.now()
    }
    if (this.#trouble !== undefined) throw this.#trouble
  }

  async #load(): Promise<EventSystemError | undefined> {
    const { clock, onChange } = this.#options
    try {
      await this.#set.reload()
    } catch (cause) {
      return this.#tell(cause)
    }
    this.#hadAt = clock.now()
    const content = JSON.stringify(this.#set.jwks())
    if (content === this.#content) return undefined
    this.#content = content
    onChange()
    return undefined
  }

  #tell(cause: unknown): EventSystemError {
    const { url, logger } = this.#options
    const attempts = this.#closing.signal.aborted ? 0 : this.#troubles.add('keys')
    if (attempts > 0) logger.warn({ url, attempts, err: cause }, 'the keys of the issuer of tokens cannot be had')
    return new EventSystemError(
      'issuer_unavailable',
      'The issuer of the token does not say now which keys it has, so nobody can know whether the token is genuine.',
      { cause }
    )
  }
}

/** Refuses an answer that is too large before all of it is in memory. */
const fetchBounded: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options)
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new Error(`The issuer answers ${response.status}; it must answer 200, and without leading elsewhere.`)
  }
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body) {
    bytes += part.byteLength
    if (bytes > MAX_BYTES) throw new Error(`The issuer answers with more than ${MAX_BYTES} bytes.`)
    parts.push(part)
  }
  return new Response(Buffer.concat(parts))
}
