import { statSync } from 'node:fs'
import { EventSystemError } from '@tradpal/events'

/**
 * Which file stands at the path of an open log. SQLite goes on with a file that was removed or replaced meanwhile: what it
 * appends there no other process sees, and it is lost when this process ends.
 */
export class FileIdentity {
  readonly #path: string
  readonly #identity: string | undefined
  #isChanged = false

  /** Of the file that stands there now. */
  constructor(path: string) {
    this.#path = path
    this.#identity = identityOf(path)
  }

  /**
   * The error `log_unavailable` once the file was removed or replaced, also when it is put back: its write-ahead log may be
   * gone meanwhile, so that this connection no longer fits it.
   */
  change(): EventSystemError | undefined {
    this.#isChanged ||= identityOf(this.#path) !== this.#identity
    if (!this.#isChanged) return undefined
    const sentence = `The file of the log ${this.#path} was removed or replaced while it was open; nothing was written. Restart this process to go on with the file that is there.`
    return new EventSystemError('log_unavailable', sentence)
  }
}

/** Undefined where there is no file. As bigints: numbers of files may be larger than 2^53. */
function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && `${stats.dev}:${stats.ino}`
}
