import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Encryption, SUBJECT_KEYS } from '../codec/index.ts'
import type { Document, Documents } from '../log/index.ts'
import type { NeededKeys } from './needed-keys.ts'

/** After so many others in this process get their turn. */
const STEP = 100

/**
 * Wraps the keys of subjects anew with the current key, each in one atomic step: what was made, shredded or wrapped meanwhile stays.
 * Resolves to how many, and counts those that it could not.
 */
export async function rewrapSubjects(
  documents: Documents,
  encryption: Encryption,
  needs: NeededKeys,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined }
): Promise<number> {
  let rewrapped = 0
  for (const [i, record] of (await documents.all(SUBJECT_KEYS)).entries()) {
    const keyId = encryption.keyIdOfSubject(record.value)
    if (keyId === undefined || keyId === encryption.current) continue
    const isDone = dryRun || (!signal?.aborted && (await rewrapOne(documents, encryption, record)))
    if (isDone) rewrapped++
    else needs.add(keyId, 'subjectKeys')
    if (i % STEP === STEP - 1) await nextTurn()
  }
  return rewrapped
}

/** Resolves to whether the record does not need an old key any more. */
async function rewrapOne(documents: Documents, encryption: Encryption, record: Document): Promise<boolean> {
  for (let now: Document | undefined = record; now !== undefined; ) {
    const keyId = encryption.keyIdOfSubject(now.value)
    if (keyId === encryption.current) return true
    const value = keyId === undefined ? undefined : encryption.rewrapped(now.id, now.value)
    if (value === undefined) return false
    if ((await documents.put(SUBJECT_KEYS, now.id, value, now.revision)) !== undefined) return true
    now = await documents.get(SUBJECT_KEYS, now.id)
  }
  return true
}
