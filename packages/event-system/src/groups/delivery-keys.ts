import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError, parseJson } from '@tradpal/events'
import type { Document, Documents } from '../log/index.ts'

/** The collection of the log's records that holds the keys, and the id of their record. */
const COLLECTION = 'delivery-keys'
const ID = 'signing'
const KEY_BYTES = 32
/** Keys that were read at most this long ago are used without asking the log, in ms. */
const FRESH_MS = 1_000
/** Tags that do not verify make the log be asked again, at most this often, in ms. */
const ASK_AGAIN_MS = 100

/** A text and the tag that is to prove where it comes from. */
export interface Tagged {
  readonly text: string
  readonly tag: string
}

/** The base64 of two keys: the one that signs, and the one before it, which still verifies. */
interface KeyRecord {
  readonly current: string
  readonly previous: string | null
}

/**
 * The key that signs the ids of deliveries, with HMAC-SHA-256. It is a document of the log, so that any process over the log
 * verifies what another has signed. The first process that needs it makes it.
 *
 * A key that was rotated elsewhere is noticed within a second. A tag that does not verify is refused only after the log was
 * asked again, so that a rotation refuses nothing that was signed with the new key; forged tags share one question in 100 ms.
 */
export class DeliveryKeys {
  readonly #documents: Documents
  #keys: readonly KeyObject[] = []
  /** On the clock of `performance.now()`. */
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** Resolves to the function that signs texts with the current key. Rejects with what the log says. */
  async signer(): Promise<(text: string) => string> {
    const [current] = await this.#knownSince(performance.now() - FRESH_MS)
    return (text) => tagOf(text, current as KeyObject)
  }

  /** Resolves to the first whose tag was made with neither key, `undefined` when all were. Rejects with what the log says. */
  async firstForged<T extends Tagged>(tagged: readonly T[]): Promise<T | undefined> {
    const arrivedAt = performance.now()
    const known = await this.#knownSince(arrivedAt - FRESH_MS)
    const suspect = tagged.find((one) => !isGenuine(one, known))
    if (suspect === undefined) return undefined
    const latest = await this.#knownSince(arrivedAt)
    return tagged.find((one) => !isGenuine(one, latest))
  }

  async #knownSince(time: number): Promise<readonly KeyObject[]> {
    while (this.#askedAt < time) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined
      })
      await this.#asking
    }
    return this.#keys
  }

  async #ask(): Promise<void> {
    const waitMs = this.#askedAt + ASK_AGAIN_MS - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    const askedAt = performance.now()
    const { current, previous } = keysIn(await keyRecord(this.#documents))
    this.#keys = [current, previous].filter((key) => key !== null).map((key) => secretOf(key))
    this.#askedAt = askedAt
  }
}

/**
 * Makes another key sign, and keeps the one before it to verify. Of two processes that rotate at the same time, one does.
 * Ids that a key before that one has signed are refused from then on.
 */
export async function rotateDeliveryKey(documents: Documents): Promise<void> {
  const record = await keyRecord(documents)
  const next: KeyRecord = { current: newKey(), previous: keysIn(record).current }
  await documents.put(COLLECTION, ID, JSON.stringify(next), record.revision)
}

/** The record of the keys, made where there is none. */
async function keyRecord(documents: Documents): Promise<Document> {
  for (;;) {
    const record = await documents.get(COLLECTION, ID)
    if (record !== undefined) return record
    const first: KeyRecord = { current: newKey(), previous: null }
    await documents.put(COLLECTION, ID, JSON.stringify(first), 0)
  }
}

/** Throws `log_incompatible` for a record that this version does not know. */
function keysIn({ value }: Document): KeyRecord {
  const { current, previous } = parsed(value)
  if (isKey(current) && (previous === null || isKey(previous))) return { current, previous }
  throw new EventSystemError(
    'log_incompatible',
    'The record of the key of delivery ids has no form that is known here.'
  )
}

function parsed(value: string): Partial<KeyRecord> {
  try {
    return (parseJson(value) as Partial<KeyRecord> | null) ?? {}
  } catch {
    return {}
  }
}

function isKey(text: unknown): text is string {
  return typeof text === 'string' && Buffer.from(text, 'base64').length === KEY_BYTES
}

function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}

function secretOf(key: string): KeyObject {
  return createSecretKey(Buffer.from(key, 'base64'))
}

function tagOf(text: string, key: KeyObject): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function isGenuine({ text, tag }: Tagged, keys: readonly KeyObject[]): boolean {
  const given = Buffer.from(tag)
  return keys.some((key) => {
    const right = Buffer.from(tagOf(text, key))
    return given.length === right.length && timingSafeEqual(given, right)
  })
}
