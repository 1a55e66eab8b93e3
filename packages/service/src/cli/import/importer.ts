import { type Event, EventSystemError, fromWire, sameJson } from '@tradpal/events'
import { isWrongInput } from '../exit-codes.ts'
import type { Target } from '../target.ts'
import { commandLineValidation } from '../validation.ts'
import { rowEventId } from './identity.ts'
import type { ImportProgress, ProgressFile } from './progress-file.ts'
import type { Row } from './rows.ts'

/** So many rows are published as one unit, and counted in the progress file as one. */
const BATCH = 500

/** A row that was not imported. */
export interface RefusedRow {
  readonly line: number
  readonly code: string
  readonly message: string
}

export interface ImportReport {
  /** `interrupted`: the progress file says how far; the same command goes on from there. */
  readonly status: 'done' | 'interrupted'
  readonly imported: number
  readonly refused: number
  /** Rows that an earlier run had dealt with. */
  readonly resumedBehindRow: number
  /** Of those imported, how many an earlier run had appended without getting to count them. */
  readonly found: number
}

export interface Import {
  readonly target: Target
  /** A new pass over the rows of the input. */
  readonly rows: () => AsyncIterable<Row>
  /** Undefined for standard input: it cannot be read twice, so that neither event ids nor progress can be kept. */
  readonly file: { readonly identity: string; readonly progress: ProgressFile } | undefined
  /** Whether wrong rows are passed over; else the first one ends the import. */
  readonly skipInvalid: boolean
  readonly signal: AbortSignal
  readonly onProgress: (offset: number, events: number) => void
  readonly onRefused: (row: RefusedRow) => void
}

/** The event of a row. Throws what is wrong with it, naming its line. */
export function eventOf(row: Row, identity: string | undefined): Event {
  try {
    const content = row.read()
    const made =
      identity === undefined || content.event_id != null ? {} : { event_id: rowEventId(identity, row.number) }
    return fromWire({ ...content, ...made }, { complete: true, validation: commandLineValidation() })
  } catch (error) {
    throw error instanceof EventSystemError ? onLine(row.line, error) : error
  }
}

/**
 * Publishes the rows of an input in batches, in their order, and goes on where an earlier run ended, however it ended.
 *
 * No event is repeated, because of three things, each for a crash of its own:
 * - The progress file: rows that the log acknowledged before the crash are not looked at again.
 * - The event ids, which are the input's own or made from the file's content and the row: a batch that was sent and is still
 *   on its way to the log when the next run sends it again is deduplicated there, whichever of the two comes first.
 * - The look into the log, when a run begins with progress: between the append of a batch and the writing of its progress
 *   there is a moment in which a crash leaves a batch in the log that the progress file does not count, and the
 *   deduplication window may have passed since. The events of the next batch are therefore looked for behind the position
 *   that the progress file names, and those that are there are counted and not sent. Batches are sent one after another, so at
 *   most one is in doubt; but a loss of power can leave an older progress file than the last one, so the look is repeated until a batch
 *   is not there in full.
 * What is not covered: a batch that reaches the log after that look and later than the deduplication window after the second
 * sending; and a log that was trimmed in between, behind the position.
 */
export class Importer {
  readonly #import: Import
  readonly #resumedBehindRow: number
  #progress: ImportProgress
  #inDoubt: boolean
  #found = 0

  private constructor(work: Import, progress: ImportProgress, resumed: boolean) {
    this.#import = work
    this.#progress = progress
    this.#resumedBehindRow = progress.row
    this.#inDoubt = resumed
  }

  /** `earlier`: the progress of an earlier run. */
  static async begin(work: Import, earlier: ImportProgress | undefined): Promise<Importer> {
    if (earlier !== undefined) return new Importer(work, earlier, true)
    const position = work.file === undefined ? null : (await work.target.standing()).lastId
    const { identity = '' } = work.file ?? {}
    const target = work.target.location
    const begun = { identity, target, row: 0, offset: 0, imported: 0, refused: 0, position }
    // Before the first batch: after a crash right behind it the next run must know where to look.
    await work.file?.progress.write(begun)
    return new Importer(work, begun, false)
  }

  /** Resolves when all is imported, or soon after the signal. Rejects with what ends it; the progress file then says how far it came. */
  async run(): Promise<ImportReport> {
    const { rows, signal, file } = this.#import
    let batch: Row[] = []
    for await (const row of rows()) {
      if (row.number <= this.#resumedBehindRow) continue
      if (signal.aborted) return this.#report('interrupted')
      batch.push(row)
      if (batch.length < BATCH) continue
      await this.#importBatch(batch)
      batch = []
    }
    if (signal.aborted) return this.#report('interrupted')
    if (batch.length > 0) await this.#importBatch(batch)
    await file?.progress.remove()
    return this.#report('done')
  }

  async #importBatch(rows: readonly Row[]): Promise<void> {
    const candidates = this.#candidates(rows)
    const missing = this.#inDoubt ? await this.#withoutThoseInTheLog(candidates) : candidates
    this.#count({ imported: candidates.length - missing.length })
    await this.#publish(missing)
    const last = rows.at(-1) as Row
    this.#count({ row: last.number, offset: last.endOffset })
    await this.#import.file?.progress.write(this.#progress)
    this.#import.onProgress(last.endOffset, this.#progress.imported)
  }

  #candidates(rows: readonly Row[]): Candidate[] {
    const candidates: Candidate[] = []
    for (const row of rows) {
      try {
        candidates.push({ line: row.line, event: eventOf(row, this.#import.file?.identity) })
      } catch (error) {
        this.#refuse(row.line, error)
      }
    }
    return candidates
  }

  async #withoutThoseInTheLog(candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
    const { position } = this.#progress
    const wanted = new Set(candidates.map(({ event }) => event.eventId))
    const there = new Map<string, Event[]>()
    for await (const event of this.#import.target.readEvents(position === null ? {} : { after: position })) {
      if (!wanted.has(event.eventId)) continue
      there.set(event.eventId, [...(there.get(event.eventId) ?? []), event])
      this.#count({ position: event.messageId })
      if (there.size === wanted.size) break
    }
    this.#inDoubt = there.size > 0 && there.size === wanted.size
    const missing = candidates.filter(({ event }) => !there.get(event.eventId)?.some((known) => isSame(event, known)))
    this.#found += candidates.length - missing.length
    return missing
  }

  /** Publishes a batch, less what the log or the service refuses of it, and a batch that is too large for it in halves. */
  async #publish(candidates: readonly Candidate[]): Promise<void> {
    if (candidates.length === 0) return
    try {
      const published = await this.#import.target.publishAll(candidates.map(({ event }) => event))
      this.#count({ imported: candidates.length, position: published.at(-1)?.messageId ?? null })
    } catch (error) {
      if (!(error instanceof EventSystemError) || !isWrongInput(error.code)) throw error
      if (error.code === 'event_id_conflict') return this.#publishBeside(error.conflicts ?? [0], candidates)
      const wrong = candidates.length === 1 ? 0 : error.index
      if (wrong !== undefined) {
        this.#refuse((candidates[wrong] as Candidate).line, onLine((candidates[wrong] as Candidate).line, error))
        await this.#publish(candidates.toSpliced(wrong, 1))
      } else if (error.code === 'payload_too_large') {
        const half = Math.ceil(candidates.length / 2)
        await this.#publish(candidates.slice(0, half))
        await this.#publish(candidates.slice(half))
      } else throw error
    }
  }

  /** The others are in the log already: sent again, they are known by their event ids, and have their message ids. */
  async #publishBeside(conflicts: readonly number[], candidates: readonly Candidate[]): Promise<void> {
    for (const index of conflicts) {
      const { line, event } = candidates[index] as Candidate
      const sentence = `The event id ${JSON.stringify(event.eventId)} was published before, with another type or other data.`
      this.#refuse(line, onLine(line, new EventSystemError('event_id_conflict', sentence)))
    }
    await this.#publish(candidates.filter((_, index) => !conflicts.includes(index)))
  }

  /** Throws the error, unless wrong rows are passed over. */
  #refuse(line: number, error: unknown): void {
    if (!this.#import.skipInvalid || !(error instanceof EventSystemError) || !isWrongInput(error.code)) throw error
    this.#progress = { ...this.#progress, refused: this.#progress.refused + 1 }
    this.#import.onRefused({ line, code: error.code, message: error.message })
  }

  #count({ imported = 0, ...rest }: Partial<ImportProgress>): void {
    this.#progress = { ...this.#progress, ...rest, imported: this.#progress.imported + imported }
  }

  #report(status: ImportReport['status']): ImportReport {
    const { imported, refused } = this.#progress
    return { status, imported, refused, resumedBehindRow: this.#resumedBehindRow, found: this.#found }
  }
}

interface Candidate {
  readonly line: number
  readonly event: Event
}

/** Another event under the same id is for the log to refuse. */
function isSame(event: Event, known: Event): boolean {
  return event.eventType === known.eventType && sameJson(event.data, known.data)
}

function onLine(line: number, { code, message, pointer }: EventSystemError): EventSystemError {
  return new EventSystemError(code, `Line ${line}: ${message}`, pointer === undefined ? {} : { pointer })
}
