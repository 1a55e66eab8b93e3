import { type Clock, EventSystemError } from '@tradpal/events'
import type { Documents } from '../../log/index.ts'
import type { Sealer } from './sealer.ts'
import { assertSubject, subjectIdOf } from './subject.ts'
import { SHREDDED_SUBJECTS, SUBJECT_KEYS } from './subject-keys.ts'
import { parseSubjectRecord, toTombstone } from './subject-record.ts'

export interface ShredOptions {
  /** Who does it, for the record. */
  readonly by: string
  /** Why, for the record. It is kept encrypted, with a key that stays: name no customer in it. */
  readonly reason: string
}

export interface ShredReport {
  /** The id of the key that is gone, as it stands in events and in the record. */
  readonly subjectId: string
  /** When it was destroyed, ms since the epoch: for one that was shredded before, then. */
  readonly shreddedAt: number
  readonly alreadyShredded: boolean
  /** Where the key may stand still, encrypted, and what ends that, in a sentence. `null` when it is nowhere in this log. */
  readonly remains: string | null
}

export interface ShredderParts {
  readonly documents: Documents
  readonly sealer: Sealer
  readonly clock: Clock
}

/**
 * Destroys the key of a subject. What is left in its place says who did it, when and why, and that no other comes. Given again
 * after a crash it does what was left undone. Rejects with `not_found` for who never had a key, and with `invalid_argument`.
 */
export async function shred(
  subject: string,
  { by, reason }: ShredOptions,
  { documents, sealer, clock }: ShredderParts
): Promise<ShredReport> {
  assertSubject(subject)
  const subjectId = subjectIdOf(subject)
  for (;;) {
    const found = await documents.get(SUBJECT_KEYS, subjectId)
    if (found === undefined) throw unknownSubject()
    const record = parseSubjectRecord(found.value)
    const alreadyShredded = 'shredded' in record
    const shreddedAt = alreadyShredded ? record.shredded.at : clock.now()
    // Over its like, too: what a crash left of the key on the disk goes then.
    const value = alreadyShredded ? found.value : toTombstone(subjectId, { at: shreddedAt, by, reason }, sealer)
    const erased = await documents.erase(SUBJECT_KEYS, subjectId, value, found.revision)
    if (erased === undefined) continue
    await documents.put(SHREDDED_SUBJECTS, subjectId, String(shreddedAt))
    return { subjectId, shreddedAt, alreadyShredded, remains: erased.remains }
  }
}

function unknownSubject(): EventSystemError {
  const message =
    'No event was ever encrypted for this subject: look at how it is written, and at EVENT_ENCRYPTION_SUBJECT.'
  return new EventSystemError('not_found', message)
}
