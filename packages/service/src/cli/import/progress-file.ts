import { readFile, rm } from 'node:fs/promises'
import { EventSystemError } from '@tradpal/events'
import { writeWhole } from '../whole-file.ts'

/** How far an import is, as it stands beside its file until it is done. Everything in it was acknowledged by the log. */
export interface ImportProgress {
  /** {@link identityOf} the file and its reading. */
  readonly identity: string
  /** Where the events go. */
  readonly target: string
  /** The last row that is dealt with; 0 before the first. */
  readonly row: number
  /** How many bytes of the file that is. */
  readonly offset: number
  readonly imported: number
  readonly refused: number
  /** The message id behind which a batch stands that was appended and is not counted here; null: the log was empty. */
  readonly position: string | null
}

const VERSION = 1

export class ProgressFile {
  readonly path: string

  constructor(input: string) {
    this.path = `${input}.tradpal-import.json`
  }

  /** Undefined when there is none. Refuses with `invalid_argument` what this version did not write. */
  async read(): Promise<ImportProgress | undefined> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const progress = parsed(text)
    if (progress !== undefined) return progress
    throw new EventSystemError(
      'invalid_argument',
      `${this.path} is no progress of an import that this version can read; --restart begins anew.`
    )
  }

  /** In one step: a crash leaves the old progress or the new, whole. */
  async write(progress: ImportProgress): Promise<void> {
    await writeWhole(this.path, [`${JSON.stringify({ version: VERSION, ...progress })}\n`])
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true })
  }
}

function parsed(text: string): ImportProgress | undefined {
  try {
    const { version, ...progress } = JSON.parse(text)
    const counts = [progress.row, progress.offset, progress.imported, progress.refused]
    const texts = [progress.identity, progress.target, progress.position ?? '']
    const sound =
      version === VERSION && counts.every(Number.isSafeInteger) && texts.every((value) => typeof value === 'string')
    return sound ? progress : undefined
  } catch {
    return undefined
  }
}
