import { setImmediate as nextTurn } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import type { Encryption } from '../codec/index.ts'
import type { EventLog, MessageId, Rewrite } from '../log/index.ts'

/** So many entries are read, and rewritten, at a time. */
const STEP = 500

export interface RekeyOptions {
  /** Rewrites nothing, and says what it would. Default false. */
  readonly dryRun?: boolean
  /** Aborted, it ends after the step in hand; the next call begins where there is still something to do. */
  readonly signal?: AbortSignal
}

/** An old key that something still needs. */
export interface NeededKey {
  readonly keyId: string
  /** How many entries of the log are encrypted with it. */
  readonly entries: number
  /** How many dead letters are: their events, or what is said of them. */
  readonly deadLetters: number
  /** The last of those entries, and when the log took it, ms since the epoch: when retention has removed it, none is left. `null` with none. */
  readonly newestId: MessageId | null
  readonly newestAt: number | null
}

export interface RekeyReport {
  /** The key with which is written. */
  readonly current: string
  /** Entries that were encrypted anew; with `dryRun`, those that would be. */
  readonly rewritten: number
  /** Whether the log can rewrite its entries at all. */
  readonly isRewritable: boolean
  /** The old keys that are still needed, in no particular order. */
  readonly needed: readonly NeededKey[]
}

/**
 * Encrypts with the current key what older ones encrypted, where the log can rewrite its entries, in bounded steps beside those who
 * publish and consume: each step is whole or did not happen. Where it cannot, it says which keys are still needed.
 */
export async function rekey(
  log: EventLog,
  encryption: Encryption | undefined,
  { dryRun = false, signal }: RekeyOptions
): Promise<RekeyReport> {
  if (encryption === undefined) {
    throw new EventSystemError(
      'invalid_options',
      'There are no encryption keys: name their file (EVENT_ENCRYPTION_KEYS_FILE).'
    )
  }
  const { current } = encryption
  const isRewritable = log.features.rewritesEntries
  const needs = new Needs()
  let rewritten = 0
  let after: MessageId | undefined
  while (!signal?.aborted) {
    const page = await log.read({ limit: STEP, from: after === undefined ? 'start' : { after } })
    const rewrites: Rewrite[] = []
    for (const { messageId, payload } of page) {
      const keyId = encryption.keyIdOf(payload)
      if (payload === null || keyId === undefined || keyId === current) continue
      const to = isRewritable ? encryption.rekeyed(payload) : undefined
      if (to === undefined) needs.add(keyId, messageId, log.timeOf(messageId))
      else rewrites.push({ messageId, from: payload, to })
    }
    rewritten += dryRun || rewrites.length === 0 ? rewrites.length : await log.rewrite(rewrites)
    after = page.at(-1)?.messageId
    if (page.length < STEP) break
    // An embedded log answers at once: others in this process get their turn.
    await nextTurn()
  }
  await lookAtLetters(log, encryption, needs)
  return { current, rewritten, isRewritable, needed: needs.list }
}

async function lookAtLetters(log: EventLog, encryption: Encryption, needs: Needs): Promise<void> {
  const letters = encryption.under(log).deadLetters
  let after: string | undefined
  for (;;) {
    const page = await letters.list({ limit: STEP, ...(after !== undefined && { after }) })
    for (const { payload, firstError, lastError } of page) {
      const keyIds = [payload, firstError.message, lastError.message].map((text) => encryption.keyIdOf(text))
      for (const keyId of new Set(keyIds)) {
        if (keyId !== undefined && keyId !== encryption.current) needs.addLetter(keyId)
      }
    }
    after = page.at(-1)?.id
    if (page.length < STEP) return
  }
}

class Needs {
  readonly #byKey = new Map<string, NeededKey>()

  get list(): NeededKey[] {
    return [...this.#byKey.values()]
  }

  /** In log order. */
  add(keyId: string, newestId: MessageId, newestAt: number): void {
    const before = this.#of(keyId)
    this.#byKey.set(keyId, { ...before, entries: before.entries + 1, newestId, newestAt })
  }

  addLetter(keyId: string): void {
    const before = this.#of(keyId)
    this.#byKey.set(keyId, { ...before, deadLetters: before.deadLetters + 1 })
  }

  #of(keyId: string): NeededKey {
    return this.#byKey.get(keyId) ?? { keyId, entries: 0, deadLetters: 0, newestId: null, newestAt: null }
  }
}
