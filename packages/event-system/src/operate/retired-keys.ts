import type { Encryption } from '../codec/index.ts'
import type { Documents } from '../log/index.ts'
import type { NeededKeys } from './needed-keys.ts'

/** By the ids of old keys, since when it is known that they seal no more, ms since the epoch. */
const RETIRED = 'retired-encryption-keys'
/** The ledger keeps what it has for at most so many times its retention. */
const RETENTIONS = 2

export interface RetirementParts {
  readonly documents: Documents
  readonly encryption: Encryption
  readonly now: number
  readonly ledgerRetentionMs: number
  readonly dryRun: boolean
}

/**
 * Says of each old key until when the ledger may need it: what is in there is found by its event and its step alone, so nobody can
 * count it. The time runs from the first call after the change of keys, which writes down that there was one.
 */
export async function awaitLedger(parts: RetirementParts, needs: NeededKeys): Promise<void> {
  const { documents, encryption, now, ledgerRetentionMs, dryRun } = parts
  // A key that seals again is retired anew when its time comes.
  if (!dryRun) await documents.remove(RETIRED, encryption.current)
  for (const keyId of encryption.old) {
    const found = await documents.get(RETIRED, keyId)
    if (found === undefined && !dryRun) await documents.put(RETIRED, keyId, String(now), 0)
    const until = Number(found?.value ?? now) + RETENTIONS * ledgerRetentionMs
    if (until > now) needs.untilLedgerForgets(keyId, until)
  }
}
