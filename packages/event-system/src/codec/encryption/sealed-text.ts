import { EventSystemError } from '@tradpal/events'

/** The property of an encrypted event's data under which the sealed text stands. */
export const ENCRYPTED = '$encrypted'

/** What a sealed text holds: the text of data alone, of data and metadata, or one that belongs to no event. */
export type Inside = 'data' | 'event' | 'text'

/** Whose key sealed it: one of the ring's, or that of a subject. */
export type Owner = 'ring' | 'subject'

const LETTERS: Readonly<Record<Inside, string>> = { data: 'd', event: 'e', text: 't' }
const VERSIONS: Readonly<Record<Owner, string>> = { ring: '1', subject: '2' }
const KINDS = new Map(
  (['ring', 'subject'] as const).flatMap((owner) =>
    (['data', 'event', 'text'] as const).map((inside) => [`${VERSIONS[owner]}${LETTERS[inside]}`, { owner, inside }])
  )
)
/** The form of a key id and of a salt. No writer with a key makes longer ones, and readers remember both. */
const PART = /^[\w-]{1,64}$/
/** What stands before the id of a subject's key in an event. */
const OF_SUBJECT = /"\$encrypted"\s*:\s*"2[de]\.([\w-]{1,64})\./

/** The parts of `<version and inside>.<key id>.<salt>.<iv, ciphertext and tag>`: nothing of them is secret. */
export interface SealedText {
  readonly owner: Owner
  readonly inside: Inside
  readonly keyId: string
  readonly salt: string
  /** All before the box: it is authenticated with it. */
  readonly head: string
  readonly box: string
}

export function headOf(owner: Owner, inside: Inside, keyId: string, salt: string): string {
  return `${VERSIONS[owner]}${LETTERS[inside]}.${keyId}.${salt}`
}

/** Throws `decryption_failed` for what is no sealed text, or one of a later version. */
export function parseSealed(text: string): SealedText {
  const [kind = '', keyId = '', salt = '', box = '', ...more] = text.split('.')
  const known = KINDS.get(kind)
  if (known === undefined || !PART.test(keyId) || !PART.test(salt) || more.length > 0) {
    throw new EventSystemError('decryption_failed', 'The encrypted text has no form that this version knows.')
  }
  return { ...known, keyId, salt, head: `${kind}.${keyId}.${salt}`, box }
}

/** `what`: the subject of the sentence, such as `The event "a"`. */
export function notEncrypted(what: string): EventSystemError {
  const message = `${what} is not encrypted, and only what is encrypted is read here (EVENT_REQUIRE_ENCRYPTION).`
  return new EventSystemError('not_encrypted', message)
}

/** The id of the subject's key that a payload is sealed with, read off without parsing it. Undefined for another payload, and for none. */
export function subjectIdIn(payload: string | null | undefined): string | undefined {
  return OF_SUBJECT.exec(payload ?? '')?.[1]
}
