import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { EventSystemError, type Logger } from '@tradpal/event-system'

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

  /** Reads them. Throws `invalid_options` when that cannot be done. */
  constructor(options: WatchedFilesOptions<Content>) {
    this.#options = options
    this.#content = this.#read()
    const { paths } = options
    for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, this.#look)
  }

  get content(): Content {
    return this.#content
  }

  close(): void {
    for (const path of this.#options.paths) unwatchFile(path, this.#look)
  }

  readonly #look = (): void => {
    const { what, paths, logger, onChange } = this.#options
    try {
      this.#content = this.#read()
    } catch (error) {
      logger.error({ files: paths, err: error }, `${what} changed and cannot be used: what held before holds on`)
      return
    }
    logger.info({ files: paths }, `${what} changed and was read again`)
    onChange?.(this.#content)
  }

  #read(): Content {
    const { what, paths, parse } = this.#options
    try {
      return parse(...paths.map((path) => readFileSync(path)))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new EventSystemError('invalid_options', `${what} cannot be used (${paths.join(', ')}): ${reason}`, {
        cause
      })
    }
  }
}
