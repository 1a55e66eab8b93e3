import { createSecretKey } from 'node:crypto'
import type { JsonObject } from '@tradpal/events'
import { ringIn } from '../key-file.ts'
import { DerivedKeys } from './derived-keys.ts'

const KEY_BYTES = 32
const KEY_ID = /^[A-Za-z0-9_-]{1,64}$/
const BASE64 = /^[A-Za-z0-9+/]{43}=$/
const FORM = '{"current": "2026-11", "keys": {"2026-11": "<base64 of 32 bytes>"}}'

/** The text of a ring, as it stands in its file. */
export interface KeyRingText {
  readonly current: string
  readonly keys: Readonly<Record<string, string>>
}

/** Keys by their ids: the current one seals, and each opens what it sealed. */
export interface KeyRing {
  readonly current: string
  readonly keys: ReadonlyMap<string, DerivedKeys>
}

export function keyRingOf(json: string): KeyRing {
  const { current, keys } = parseKeyRing(json)
  const derived = Object.entries(keys).map(
    ([id, key]) => [id, new DerivedKeys(createSecretKey(Buffer.from(key, 'base64')))] as const
  )
  return { current, keys: new Map(derived) }
}

/** Throws a sentence that says what is wrong with a ring, and never what stands in it but for the ids. */
export function parseKeyRing(json: string): KeyRingText {
  const ring = ringIn(json, FORM)
  if (typeof ring.current !== 'string') throw new Error(`It must have the form ${FORM}.`)
  const others = Object.keys(ring).filter((name) => name !== 'current' && name !== 'keys')
  if (others.length > 0)
    throw new Error(`It has ${others.length} properties beside current and keys: it has the form ${FORM}.`)
  for (const [id, key] of Object.entries(ring.keys as JsonObject)) {
    assertKeyId(id)
    if (typeof key !== 'string' || !BASE64.test(key) || Buffer.from(key, 'base64').length !== KEY_BYTES) {
      throw new Error(`The key ${id} must be the base64 of ${KEY_BYTES} random bytes, 44 characters.`)
    }
  }
  if (!Object.hasOwn(ring.keys as JsonObject, ring.current))
    throw new Error('The current key is not among the keys: current must be the id of one of them.')
  return ring as unknown as KeyRingText
}

/** Throws for what is no id of a key. A key that was put where its id belongs is not repeated. */
export function assertKeyId(id: string): void {
  if (KEY_ID.test(id) && !BASE64.test(`${id}=`)) return
  throw new Error('The id of a key must be 1 to 64 letters, digits, hyphens and underscores, such as 2026-11.')
}
