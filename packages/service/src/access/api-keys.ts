import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, type Document, type Documents, EventSystemError } from '@tradpal/event-system'
import { ANONYMOUS } from './principal.ts'
import { assertScope } from './scopes.ts'

/** The collection of the log's records that has them. */
export const API_KEYS = 'api-keys'
/** The collection that has when each was last used: apart, so that a use changes no key. */
export const API_KEY_USES = 'api-key-uses'

/** An instance of the service takes a key by what it asked of the log so long ago, in ms. */
export const KNOWN_FOR_MS = 100
/** So long after it was written, in ms, every instance knows that a key has ended: by then what each knew before holds no more, on whatever clock. */
const ENDED_AFTER_MS = 150

/** How every key begins, so that whoever scans code or logs for secrets finds it. */
const PREFIX = 'tradpal'
/** Letters and digits alone: a command line would take an id that begins with a dash for an option. */
const ID_BYTES = 9
const SECRET_BYTES = 32
const KEY = /^tradpal_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})$/
const NAME = /^[^\s\p{Cc}*]{1,200}$/u

/** An API key as it is kept. Of the key itself there is a hash: a key that is lost cannot be shown again. */
export interface ApiKey {
  readonly id: string
  /** The principal whose key it is. */
  readonly name: string
  /** Beside what the policy gives the principal. */
  readonly scopes: readonly string[]
  /** Undefined: as the policy says, or the name. */
  readonly sources?: readonly string[]
  /** ms since the epoch, as all times here. */
  readonly createdAt: number
  readonly createdBy: string
  /** Null: never. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** As a record has it. SHA-256 is enough for 256 random bits: nobody guesses them, at whatever speed. */
export interface StoredApiKey extends ApiKey {
  readonly hash: string
}

export interface NewApiKey {
  readonly name: string
  readonly scopes?: readonly string[]
  readonly sources?: readonly string[]
  /** Default: never. */
  readonly expiresAt?: number | null
  /** Who makes it, for the record. */
  readonly by: string
}

/** A key that was just made: the only time that it can be shown. */
export interface IssuedApiKey {
  readonly key: string
  readonly apiKey: ApiKey
}

/** Makes and revokes API keys. They are kept in the log, so that every instance of the service knows them. */
export class ApiKeys {
  readonly #documents: Documents
  readonly #clock: Clock

  constructor(documents: Documents, clock: Clock) {
    this.#documents = documents
    this.#clock = clock
  }

  /** Rejects with `invalid_argument`, nothing made. */
  async create(wanted: NewApiKey): Promise<IssuedApiKey> {
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

  /** All of them, the oldest first, and when each was last used. */
  async list(): Promise<(ApiKey & { readonly lastUsedAt: number | null })[]> {
    const [documents, uses] = await Promise.all([this.#documents.all(API_KEYS), this.#documents.all(API_KEY_USES)])
    const lastUsed = new Map(uses.map(({ id, value }) => [id, Number(value)]))
    return documents
      .map(({ value }) => shown(JSON.parse(value) as StoredApiKey))
      .map((key) => ({ ...key, lastUsedAt: lastUsed.get(key.id) ?? null }))
      .sort((a, b) => a.createdAt - b.createdAt)
  }

  /** Rejects with `not_found`. */
  async get(id: string): Promise<ApiKey> {
    return shown(JSON.parse((await this.#mustBe(id)).value))
  }

  /** Makes a key like another, which ends `overlapMs` later, if it does not sooner. Rejects with `not_found`, and with `invalid_argument` for one that is at its end. */
  async rotate(id: string, { overlapMs, by }: { overlapMs: number; by: string }): Promise<IssuedApiKey> {
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

  /** Ends a key at once, everywhere: no request that comes after this has resolved is let in by it. Rejects with `not_found`. */
  async revoke(id: string): Promise<ApiKey> {
    return this.#change(id, (key) => ({ ...key, revokedAt: key.revokedAt ?? this.#clock.now() }))
  }

  /** Resolves when every instance knows of it: see {@link ENDED_AFTER_MS}. */
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

/** The parts of a text that has the form of a key. */
export function keyParts(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = KEY.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Whether a secret is that of the key, in a time that does not tell how much of it is right. */
export function isSecretOf(secret: string, { hash: expected }: StoredApiKey): boolean {
  return timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(expected))
}

export function isAlive({ expiresAt, revokedAt }: ApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || now < expiresAt)
}

function hashOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

function shown({ hash: _, ...key }: StoredApiKey): ApiKey {
  return key
}
