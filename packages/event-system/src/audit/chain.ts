import { randomUUID } from 'node:crypto'
import { EventSystemError } from '@tradpal/events'
import type { ReadRange, Storage } from '../log/index.ts'
import { type AuditDraft, BEGINNING, type Head, readEntry, sealed } from './entry.ts'

/** The stream key of the entries: its version is the number of the newest entry, and 0 in a log without entries. */
export const CHAIN = 'chain'

/** The most entries of one append. */
export const MOST_AT_ONCE = 500
/** How often an append is tried again because other processes were quicker: one of them succeeds each time. */
const MOST_CONFLICTS = 200
const PAGE = 100

/** Entries that are written together. They have the same ids in every attempt, so that an attempt after an unknown outcome writes none twice. */
export interface Batch {
  readonly drafts: readonly AuditDraft[]
  readonly ids: readonly string[]
}

export function batchOf(drafts: readonly AuditDraft[]): Batch {
  return { drafts, ids: drafts.map(() => randomUUID()) }
}

/**
 * The chain of entries in a log: each entry has the hash of the one before. Several processes may append to it. An append expects
 * the number of entries that it saw, so that of two that saw the same number one begins again.
 */
export class Chain {
  readonly #storage: Storage
  #started: Promise<void> | undefined
  #head: Head | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Opens the log, once; after a failure the next call tries it again. */
  async start(): Promise<void> {
    this.#started ??= this.#storage.start()
    try {
      await this.#started
    } catch (error) {
      this.#started = undefined
      throw error
    }
  }

  /** Appends all entries of a batch or none, after the earlier appends of this process. Rejects with the errors of the log. */
  append(batch: Batch): Promise<void> {
    const appended = this.#last.then(() => this.#append(batch))
    this.#last = appended.catch(() => {})
    return appended
  }

  /** The place of the newest entry. */
  async head(): Promise<Head> {
    await this.start()
    // First the number: an entry that came in between makes an append conflict, not skip a number.
    const seq = await this.#storage.log.versionOf(CHAIN)
    return { seq, hash: await this.#lastHash() }
  }

  async #append(batch: Batch): Promise<void> {
    await this.start()
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const before = this.#head ?? (await this.head())
      this.#head = undefined
      if (await this.#appendBehind(before, batch)) return
    }
    throw new EventSystemError('log_busy', `Others write the audit log at ${this.#storage.location} without a pause.`)
  }

  /** Resolves to false when the chain has grown since. */
  async #appendBehind(before: Head, { drafts, ids }: Batch): Promise<boolean> {
    let head = before
    const entries = drafts.map((draft, i) => {
      const next = sealed(draft, head)
      head = next.head
      return { eventId: ids[i] as string, eventType: draft.action, payload: next.text, streamKey: CHAIN }
    })
    try {
      const results = await this.#storage.log.append(entries, { expected: [{ key: CHAIN, version: before.seq }] })
      // An entry that was there already has its hash from an earlier attempt, behind another entry.
      if (!results.some(({ duplicate }) => duplicate)) this.#head = head
      return true
    } catch (error) {
      if (error instanceof EventSystemError && error.code === 'version_conflict') return false
      throw error
    }
  }

  /** The hash of the newest entry. Texts that are no entries are passed over: a stranger who writes into the log must not stop the chain. */
  async #lastHash(): Promise<string> {
    let to: ReadRange['to']
    for (;;) {
      const backward: ReadRange = { direction: 'backward', limit: PAGE, ...(to !== undefined && { to }) }
      const { entries, position } = await this.#storage.log.read(backward)
      for (const { payload } of entries) {
        const entry = readEntry(payload)
        if (entry !== undefined) return entry.hash
      }
      if (entries.length < PAGE) return BEGINNING.hash
      to = { checkpoint: position }
    }
  }
}
