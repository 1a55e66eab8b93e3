import { readFileSync, type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { EventSystemError, onlyOptions } from '@tradpal/events'
import type { Logger } from './logger.ts'

/** How often files are looked at, in ms: by their state and not by notices, which do not come where a file is replaced through links, as orchestrators do. */
const LOOK_EVERY_MS = 1_000

export interface WatchedFilesOptions<Content> {
  /** What they are, for people: `the policy`. */
  readonly what: string
  readonly paths: readonly string[]
  /** Makes something of the files' bytes, in the order of the paths. Throws for what is wrong with them. */
  readonly parse: (...bytes: Buffer[]) => Content
  readonly logger: Logger
  readonly onChange?: (content: Content) => void
}

/**
 * Files that are read again when they change, so that renewing them takes no restart. What is wrong when they change is
 * logged, and what they said before holds on. Files that belong together, a certificate and its key, are taken together:
 * while one of them is not yet replaced, they do not fit, and are tried again.
 */
export class WatchedFiles<Content> {
  readonly #options: WatchedFilesOptions<Content>
  #content: Content
  /** Of the files that were read last: taken before they were, so that no change is missed. */
  #state: string
  #timer: NodeJS.Timeout | undefined

  /** Reads them. Throws `invalid_options` when that cannot be done. */
  constructor(options: WatchedFilesOptions<Content>) {
    onlyOptions('WatchedFiles', options, { what: true, paths: true, parse: true, logger: true, onChange: true })
    this.#options = options
    this.#state = options.paths.map((path) => stateOf(statSync(path, { throwIfNoEntry: false }))).join()
    this.#content = this.#read()
  }

  get content(): Content {
    return this.#content
  }

  /** Looks at them from here on, until {@link close}. Keeps no process alive. */
  start(): this {
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS).unref()
    return this
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { what, paths, logger, onChange } = this.#options
    const states = await Promise.all(paths.map(async (path) => stateOf(await stat(path).catch(() => undefined))))
    if (states.join() === this.#state) return
    this.#state = states.join()
    try {
      this.#content = this.#read()
    } catch (error) {
      logger.error({ files: paths, err: error }, `${what} changed and cannot be used: what held before holds on`)
      return
    }
    logger.info({ files: paths }, `${what} changed: read again`)
    onChange?.(this.#content)
  }

  #read(): Content {
    const { what, paths, parse } = this.#options
    try {
      return parse(...paths.map((path) => readFileSync(path)))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const sentence = `${what[0]?.toUpperCase()}${what.slice(1)} cannot be used (${paths.join(', ')}): ${reason}`
      throw new EventSystemError('invalid_options', sentence, { cause })
    }
  }
}

/** A file that was replaced is another. */
function stateOf(stats: Stats | undefined): string {
  return stats === undefined ? 'none' : [stats.ino, stats.mtimeMs, stats.ctimeMs, stats.size].join()
}
