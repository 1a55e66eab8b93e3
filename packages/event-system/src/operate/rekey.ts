import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, EventSystemError, onlyOptions } from '@tradpal/events'
import { type Encryption, type EventCodec, labelOf } from '../codec/index.ts'
import { Documents, type MessageId, type Page, type Position, type Rewrite, type Storage } from '../log/index.ts'
import { type NeededKey, NeededKeys } from './needed-keys.ts'
import { rewrapSubjects } from './rekey-subjects.ts'
import { resealTexts } from './rekey-texts.ts'
import { awaitLedger } from './retired-keys.ts'

/** So many entries are read, and rewritten, at a time. */
const STEP = 500

export interface RekeyOptions {
  /** Rewrites nothing, and says what it would. Default false. */
  readonly dryRun?: boolean
  /** Aborted, it ends after the step in hand; the next call begins where there is still something to do. */
  readonly signal?: AbortSignal
}

export interface RekeyReport {
  /** The key with which is written. */
  readonly current: string
  /** Entries that were encrypted anew; with `dryRun`, those that would be. */
  readonly rewritten: number
  /** Dead letters, records of what operators did, and events that groups have yet to finish, of which something was encrypted anew; with `dryRun`, those that would be. */
  readonly resealed: number
  /** Keys of subjects that were encrypted anew; with `dryRun`, those that would be. */
  readonly rewrapped: number
  /** Entries that are not encrypted, which stay so; and the last of them. `null` with none. */
  readonly plain: { readonly entries: number; readonly newestId: MessageId | null; readonly newestAt: number | null }
  /** Whether the log can rewrite its entries at all. */
  readonly isRewritable: boolean
  /** Whether it came to the end: cut short, it does not know of everything that needs an old key. */
  readonly isComplete: boolean
  /** The old keys that are still needed, or may be, in no particular order. One that is not among them can go, when the report is complete. */
  readonly needed: readonly NeededKey[]
}

export interface RekeyParts {
  readonly storage: Storage
  readonly encryption: Encryption | undefined
  readonly codec: EventCodec
  readonly ledgerRetentionMs: number
  readonly clock: Clock
}

/**
 * Encrypts with the current key what older ones encrypted, in bounded steps beside those who publish and consume: each step is whole or did
 * not happen. Entries where the log can rewrite them: where it cannot, it says which keys are still needed.
 */
export async function rekey(
  { storage, encryption, codec, ledgerRetentionMs, clock }: RekeyParts,
  options: RekeyOptions
): Promise<RekeyReport> {
  onlyOptions('rekey()', options, { dryRun: true, signal: true })
  const { dryRun = false, signal } = options
  if (encryption === undefined) {
    throw new EventSystemError(
      'invalid_options',
      'There are no encryption keys: name their file (EVENT_ENCRYPTION_KEYS_FILE).'
    )
  }
  const { current } = encryption
  const documents = new Documents(storage)
  const isRewritable = storage.log.rewrite !== undefined
  const needs = new NeededKeys()
  const rewrapped = await rewrapSubjects(documents, encryption, needs, { dryRun, signal })
  const resealed = await resealTexts({ storage, encryption, needs, dryRun, signal })
  const { rewritten, plain } = await rewriteEntries({ storage, encryption, codec }, needs, { dryRun, signal })
  await awaitLedger({ documents, encryption, now: clock.now(), ledgerRetentionMs, dryRun }, needs)
  return {
    current,
    rewritten,
    resealed,
    rewrapped,
    plain,
    isRewritable,
    isComplete: !signal?.aborted,
    needed: needs.list
  }
}

/** Rewrites what it can, and counts the entries that it could not rewrite and those that are plain. */
async function rewriteEntries(
  { storage, encryption, codec }: { storage: Storage; encryption: Encryption; codec: EventCodec },
  needs: NeededKeys,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined }
): Promise<Pick<RekeyReport, 'rewritten' | 'plain'>> {
  const isRewritable = storage.log.rewrite !== undefined
  let rewritten = 0
  let plain: RekeyReport['plain'] = { entries: 0, newestId: null, newestAt: null }
  let from: Position = 'start'
  while (!signal?.aborted) {
    const { entries, position }: Page = await storage.log.read({ limit: STEP, from })
    const rewrites: Rewrite[] = []
    for (const { messageId, appendedAt, payload } of entries) {
      const keyId = encryption.keyIdOf(payload)
      if (keyId === undefined && encryption.isUnencrypted(payload))
        plain = { entries: plain.entries + 1, newestId: messageId, newestAt: appendedAt }
      if (payload === null || keyId === undefined || keyId === encryption.current) continue
      const to = isRewritable ? encryption.withCurrentKey(payload) : payload
      if (to === payload) needs.addEntry(keyId, messageId, appendedAt)
      else rewrites.push({ messageId, from: payload, to, ...keyIn(to, codec) })
    }
    const isWritten = !dryRun && rewrites.length > 0
    rewritten += isWritten ? ((await storage.log.rewrite?.(rewrites)) ?? 0) : rewrites.length
    from = { after: position }
    if (entries.length < STEP) break
    // An embedded log answers at once: others in this process get their turn.
    await nextTurn()
  }
  return { rewritten, plain }
}

/** The key of an event stands in the log under the key that encrypts it. An event that cannot be read, such as one with a wrong signature, keeps the one that it has. */
function keyIn(payload: string, codec: EventCodec): Pick<Rewrite, 'key'> {
  try {
    const { key } = labelOf(codec.decode(payload), codec)
    return key === undefined ? {} : { key }
  } catch {
    return {}
  }
}
