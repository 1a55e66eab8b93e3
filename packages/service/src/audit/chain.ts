import { randomUUID } from 'node:crypto'
import { EventSystemError, type ReadRange, type Storage } from '@tradpal/event-system'
import { type AuditDraft, BEGINNING, type Head, readEntry, sealed } from './entry.ts'

/** The stream key that counts the entries: its version is the number of the last. */
export const CHAIN = 'chain'

/** One append has at most so many entries. */
export const MOST_AT_ONCE = 500
/** So often an append is tried again because others were quicker: one of those who race goes on each time. */
const MOST_CONFLICTS = 200
const PAGE = 100

/** Entries that are written together. Written again, they are known again: so whoever is not told may repeat. */
export interface Batch {
  readonly drafts: readonly AuditDraft[]
  readonly ids: readonly string[]
}

export function batchOf(drafts: readonly AuditDraft[]): Batch {
  return { drafts, ids: drafts.map(() => randomUUID()) }
}

/**
 * The chain of entries in a log, to which several processes may append: each entry has the hash of the one before. An
 * append expects the number of entries that it saw, so that of two who saw the same one begins again.
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

  /** Appends all of them or none, behind what this process appends already. Rejects with what the log rejects with. */
  append(batch: Batch): Promise<void> {
    const appended = this.#last.then(() => this.#append(batch))
    this.#last = appended.catch(() => {})
    return appended
  }

  /** Where the chain stands now. */
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

  /** Resolves to false when the chain stands elsewhere by now. */
  async #appendBehind(before: Head, { drafts, ids }: Batch): Promise<boolean> {
    let head = before
    const entries = drafts.map((draft, i) => {
      const next = sealed(draft, head)
      head = next.head
      return { eventId: ids[i] as string, eventType: draft.action, payload: next.text, streamKey: CHAIN }
    })
    try {
      const results = await this.#storage.log.append(entries, { expected: [{ key: CHAIN, version: before.seq }] })
      // What was there already was sealed behind another entry.
      if (!results.some(({ duplicate }) => duplicate)) this.#head = head
      return true
    } catch (error) {
      if (error instanceof EventSystemError && error.code === 'version_conflict') return false
      throw error
    }
  }

  /** That of the last entry which is one: somebody who writes past the service must not stop it. */
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
