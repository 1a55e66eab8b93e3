import { EventSystemError } from '@tradpal/events'

/** The property of an encrypted event's data under which the sealed text stands. */
export const ENCRYPTED = '$encrypted'

/** What a sealed text holds: the text of data alone, of data and metadata, or one that belongs to no event. */
export type Inside = 'data' | 'event' | 'text'

const LETTERS: Readonly<Record<Inside, string>> = { data: 'd', event: 'e', text: 't' }
const INSIDES = new Map(Object.entries(LETTERS).map(([inside, letter]) => [`1${letter}`, inside as Inside]))

/** The parts of `<version and inside>.<key id>.<salt>.<iv, ciphertext and tag>`: nothing of them is secret. */
export interface SealedText {
  readonly inside: Inside
  readonly keyId: string
  readonly salt: string
  /** All before the box: it is authenticated with it. */
  readonly head: string
  readonly box: string
}

export function headOf(inside: Inside, keyId: string, salt: string): string {
  return `1${LETTERS[inside]}.${keyId}.${salt}`
}

/** Throws `decryption_failed` for what is no sealed text, or one of a later version. */
export function parseSealed(text: string): SealedText {
  const [kind = '', keyId = '', salt = '', box = '', ...more] = text.split('.')
  const inside = INSIDES.get(kind)
  if (inside === undefined || keyId === '' || salt === '' || more.length > 0) {
    throw new EventSystemError('decryption_failed', 'The encrypted text has no form that this version knows.')
  }
  return { inside, keyId, salt, head: `${kind}.${keyId}.${salt}`, box }
}
