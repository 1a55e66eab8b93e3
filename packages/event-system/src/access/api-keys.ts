import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ApiKey,
  type Clock,
  EventSystemError,
  type IssuedApiKey,
  type ListedApiKey,
  onlyOptions,
  systemClock
} from '@tradpal/events'
import type { Document, Documents } from '../log/index.ts'
import { ANONYMOUS, type Identity } from './principal.ts'
import { assertScope } from './scopes.ts'

/** The collection of the keys. */
export const API_KEYS = 'api-keys'
/** The collection of the times of their last uses: apart, so that a use changes no key. */
export const API_KEY_USES = 'api-key-uses'

/** The longest time for which a process takes a key by an earlier answer of the log, in ms. */
export const KNOWN_FOR_MS = 100
/** The time after the end of a key was written by which every process refuses it, in ms: longer than {@link KNOWN_FOR_MS}, so that no earlier answer holds. */
const ENDED_AFTER_MS = 150

/** The beginning of every key, by which scanners find keys in code and logs. */
const PREFIX = 'tradpal'
/** An id has letters and digits alone: a command line would take an id that begins with a dash for an option. */
const ID_BYTES = 9
const SECRET_BYTES = 32
const KEY = /^tradpal_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})$/
const NAME = /^[^\s\p{Cc}*]{1,200}$/u

/** An API key in its collection. One SHA-256 is enough: nobody guesses 256 random bits, at any speed. */
export interface StoredApiKey extends ApiKey {
  readonly hash: string
}

export interface NewApiKey {
  /** The name of the principal: 1 to 200 characters without blanks and `*`, and not `anonymous`. */
  readonly name: string
  /** Default: none. */
  readonly scopes?: readonly string[]
  /** Default: those of a policy, or else the name. */
  readonly sources?: readonly string[]
  /** ms since the epoch, in the future. Default: `null`, never. */
  readonly expiresAt?: number | null
  /** The name of the person or program that makes the key, for the record. */
  readonly by: string
}

export interface RotateApiKeyOptions {
  /** How long the old key stays valid, in ms. */
  readonly overlapMs: number
  /** The name of the person or program that rotates the key, for the record. */
  readonly by: string
}

/**
 * Makes, lists, rotates and revokes API keys: `new ApiKeys(new Documents(system.log))`. The keys are in the log, so that every
 * process over it knows them. `KeyBook` finds a key by its text. Rejects with `log_unavailable` and its kin while the log is away.
 */
export class ApiKeys {
  readonly #documents: Documents
  readonly #clock: Clock

  constructor(documents: Documents, clock: Clock = systemClock) {
    this.#documents = documents
    this.#clock = clock
  }

  /** Makes a key. Rejects with `invalid_argument` and `invalid_options`, and then makes none. */
  async create(wanted: NewApiKey): Promise<IssuedApiKey> {
    onlyOptions('create()', wanted, { name: true, scopes: true, sources: true, expiresAt: true, by: true })
    const { name, scopes = [], sources, expiresAt = null, by } = wanted
    if (!NAME.test(name) || name === ANONYMOUS) {
      const sentence = `The name of a key must be that of its principal: 1 to 200 characters, no blanks, no *, and not ${ANONYMOUS}, got ${JSON.stringify(name)}.`
      throw new EventSystemError('invalid_argument', sentence, { pointer: '/name' })
    }
    for (const scope of scopes) assertScope(scope)
    const createdAt = this.#clock.now()
    if (expiresAt !== null && !(expiresAt > createdAt)) {
      throw new EventSystemError('invalid_argument', 'A key must expire in the future.', { pointer: '/expires_at' })
    }
    const id = randomBytes(ID_BYTES).toString('base64url').replaceAll(/[-_]/g, 'x')
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const apiKey: ApiKey = {
      id,
      name,
      scopes: [...scopes],
      ...(sources === undefined ? {} : { sources: [...sources] }),
      createdAt,
      createdBy: by,
      expiresAt,
      revokedAt: null
    }
    await this.#documents.put(API_KEYS, id, JSON.stringify({ ...apiKey, hash: hashOf(secret) }), 0)
    return { key: `${PREFIX}_${id}_${secret}`, apiKey }
  }

  /** All keys, those that have ended included, the oldest first. `lastUsedAt` is true to the minute, and `null` for a key that was never used. */
  async list(): Promise<ListedApiKey[]> {
    const [documents, uses] = await Promise.all([this.#documents.all(API_KEYS), this.#documents.all(API_KEY_USES)])
    const lastUsed = new Map(uses.map(({ id, value }) => [id, Number(value)]))
    return documents
      .map(({ value }) => shown(JSON.parse(value) as StoredApiKey))
      .map((key) => ({ ...key, lastUsedAt: lastUsed.get(key.id) ?? null }))
      .sort((a, b) => a.createdAt - b.createdAt)
  }

  /** The key with this id. Rejects with `not_found`. */
  async get(id: string): Promise<ApiKey> {
    return shown(JSON.parse((await this.#mustBe(id)).value))
  }

  /**
   * Makes a new key with the name, the scopes, the sources and the lifetime of another. The old key ends after `overlapMs`, or earlier if
   * it expires earlier. Rejects with `not_found`, and with `invalid_argument` for a key that has ended.
   */
  async rotate(id: string, options: RotateApiKeyOptions): Promise<IssuedApiKey> {
    onlyOptions('rotate()', options, { overlapMs: true, by: true })
    const { overlapMs, by } = options
    const { value } = await this.#mustBe(id)
    const old: StoredApiKey = JSON.parse(value)
    const now = this.#clock.now()
    if (!isAlive(old, now)) {
      throw new EventSystemError('invalid_argument', `The key ${id} has ended already: make a new one.`)
    }
    const { name, scopes, sources, createdAt, expiresAt } = old
    const issued = await this.create({
      name,
      scopes,
      ...(sources === undefined ? {} : { sources }),
      expiresAt: expiresAt === null ? null : now + (expiresAt - createdAt),
      by
    })
    await this.#change(id, (key) => ({
      ...key,
      expiresAt: Math.min(key.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs)
    }))
    return issued
  }

  /**
   * Ends a key. When it resolves, after 150 ms or more, no process that reaches the log takes the key any more; one that does not takes it
   * for up to 15 minutes. Rejects with `not_found`.
   */
  async revoke(id: string): Promise<ApiKey> {
    return this.#change(id, (key) => ({ ...key, revokedAt: key.revokedAt ?? this.#clock.now() }))
  }

  /** Resolves when every process knows the change: see {@link ENDED_AFTER_MS}. */
  async #change(id: string, change: (key: StoredApiKey) => StoredApiKey): Promise<ApiKey> {
    for (;;) {
      const { value, revision } = await this.#mustBe(id)
      const changed = change(JSON.parse(value))
      if ((await this.#documents.put(API_KEYS, id, JSON.stringify(changed), revision)) === undefined) continue
      await sleep(ENDED_AFTER_MS)
      return shown(changed)
    }
  }

  async #mustBe(id: string): Promise<Document> {
    const record = await this.#documents.get(API_KEYS, id)
    if (record !== undefined) return record
    throw new EventSystemError('not_found', `There is no API key with the id ${id}.`)
  }
}

/** The parts of the text of a key; `undefined` for a text of another form. */
export function keyParts(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = KEY.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Whether a secret is that of the key. The time that it takes does not depend on how much of the secret is right. */
export function isSecretOf(secret: string, { hash: expected }: Pick<StoredApiKey, 'hash'>): boolean {
  return timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(expected))
}

/** Whether a key is neither revoked nor expired at a time, in ms since the epoch. */
export function isAlive({ expiresAt, revokedAt }: ApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || now < expiresAt)
}

function hashOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** The key without its hash. */
function shown({ hash: _, ...key }: StoredApiKey): ApiKey {
  return key
}

/** The identity that an API key proves, for `Policy.principalOf`. */
export function identityOfKey({ id, name, scopes, sources }: ApiKey): Identity {
  return { name, proof: 'api key', scopes, keyId: id, ...(sources === undefined ? {} : { sources }) }
}
