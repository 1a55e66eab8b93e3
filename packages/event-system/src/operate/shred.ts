import { type Clock, EventSystemError, onlyOptions } from '@tradpal/events'
import type { Encryption, ShredOptions, ShredReport } from '../codec/index.ts'
import { Documents, type Storage } from '../log/index.ts'
import { checkedReason, operatorName } from './arguments.ts'

export interface ShredParts {
  readonly storage: Storage
  readonly encryption: Encryption | undefined
  readonly clock: Clock
}

/** Destroys the key of a subject: {@link EventSystem.shred}. */
export async function shredSubject(
  subject: string,
  options: ShredOptions,
  { storage, encryption, clock }: ShredParts
): Promise<ShredReport> {
  onlyOptions('shred()', options, { by: true, reason: true })
  const { by, reason } = options
  if (encryption === undefined) {
    throw new EventSystemError(
      'invalid_options',
      'There are no encryption keys: name their file (EVENT_ENCRYPTION_KEYS_FILE).'
    )
  }
  const record = { by: operatorName(by), reason: checkedReason(reason) }
  return encryption.shred(subject, record, { documents: new Documents(storage), clock })
}
