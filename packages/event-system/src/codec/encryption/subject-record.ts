import { EventSystemError, parseJson } from '@tradpal/events'
import { envelopeInText } from '../envelope.ts'
import { usedKeyOf } from './applied-encryption.ts'
import type { Sealer } from './sealer.ts'

/** What is kept of a subject in the log: its key, sealed with one of the ring's, or that it was destroyed, by whom and why. */
export type SubjectRecord = { readonly key: string } | { readonly shredded: Shredding }

/** The end of a subject's key, as it is kept. */
export interface Shredding {
  /** When, ms since the epoch. */
  readonly at: number
  readonly by: string
  /** Sealed with a key of the ring. */
  readonly reason: string
}

/** Throws `decryption_failed` for what this version does not know. */
export function parseSubjectRecord(value: string): SubjectRecord {
  const record = parsed(value)
  if (typeof record?.key === 'string') return { key: record.key }
  if (typeof record?.shredded === 'object' && record.shredded !== null) {
    return { shredded: record.shredded as Shredding }
  }
  throw new EventSystemError('decryption_failed', 'The record of a subject has no form that this version knows.')
}

/** The text of a record for a key, the base64 of its bytes. */
export function toKeyRecord(id: string, key: string, sealer: Sealer): string {
  return JSON.stringify({ key: sealer.sealText(key, aboutKey(id)) } satisfies SubjectRecord)
}

export function toTombstone(id: string, { at, by, reason }: Shredding, sealer: Sealer): string {
  const shredded = { at, by, reason: sealer.sealText(reason, aboutReason(id)) }
  return JSON.stringify({ shredded } satisfies SubjectRecord)
}

/** The base64 of the key. Throws `key_missing` and `decryption_failed`. */
export function openKey(id: string, key: string, sealer: Sealer): string {
  return sealer.openText(key, aboutKey(id))
}

/** The id of the ring's key that a record needs. Undefined for one in another form. */
export function ringKeyOf(value: string): string | undefined {
  const record = parseSubjectRecord(value)
  const envelope = envelopeInText('key' in record ? record.key : record.shredded.reason)
  return envelope && usedKeyOf(envelope.head)?.keyId
}

/** The record with the same inside, sealed with the current key. Throws `key_missing` and `decryption_failed`. */
export function rewrapped(id: string, value: string, sealer: Sealer): string {
  const record = parseSubjectRecord(value)
  if ('key' in record) return toKeyRecord(id, openKey(id, record.key, sealer), sealer)
  const { shredded } = record
  return toTombstone(id, { ...shredded, reason: sealer.openText(shredded.reason, aboutReason(id)) }, sealer)
}

function parsed(value: string): { readonly [name: string]: unknown } | undefined {
  try {
    return parseJson(value) as { readonly [name: string]: unknown }
  } catch {
    return undefined
  }
}

function aboutKey(id: string): string {
  return `subject-key\n${id}`
}

function aboutReason(id: string): string {
  return `subject-reason\n${id}`
}
