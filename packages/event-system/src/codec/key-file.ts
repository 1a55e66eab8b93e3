import { readFileSync, type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { EventSystemError } from '@tradpal/events'
import type { Logger } from '../runtime/index.ts'

/** How often the file is looked at, in ms: by its state and not by notices, which do not come where a file is replaced through links, as orchestrators do. */
const LOOK_EVERY_MS = 1_000
/** The bits of a file's mode that let others than its owner at it. */
const OF_OTHERS = 0o077

export interface KeyFileOptions<Ring> {
  /** What the keys are, for people: `encryption keys`. */
  readonly what: string
  readonly path: string
  /** Throws a sentence that says what is wrong, and never what the keys are. */
  readonly parse: (json: string) => Ring
  readonly logger: Logger
}

/** Keys in a file that is read again when it changes. What is wrong with it then is logged, and the keys before hold on. */
export class KeyFile<Ring> {
  readonly #options: KeyFileOptions<Ring>
  #ring: Ring
  /** Of the file that was read last. What changed before anybody looked is noticed too, as by a watcher of Node's own it would not be. */
  #state: string
  #timer: NodeJS.Timeout | undefined

  /** Reads it. Throws `invalid_options`, and never says what the keys are. */
  constructor(options: KeyFileOptions<Ring>) {
    this.#options = options
    this.#state = stateOf(statSync(options.path, { throwIfNoEntry: false }))
    this.#ring = readRing(options)
  }

  get path(): string {
    return this.#options.path
  }

  get ring(): Ring {
    return this.#ring
  }

  /** Looks at the file from here on, until {@link close}. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { what, path, logger } = this.#options
    const state = stateOf(await stat(path).catch(() => undefined))
    if (state === this.#state) return
    this.#state = state
    try {
      this.#ring = readRing(this.#options)
    } catch (error) {
      logger.error({ err: error }, `the ${what} changed and cannot be used: those before hold on`)
      return
    }
    logger.info({ file: path }, `the ${what} changed and were read again`)
  }
}

function readRing<Ring>({ what, path, parse }: KeyFileOptions<Ring>): Ring {
  try {
    assertOwnersAlone(path)
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new EventSystemError('invalid_options', `The ${what} in ${path} cannot be used: ${reason}`)
  }
}

/** A file that was replaced is another. */
function stateOf(stats: Stats | undefined): string {
  return stats === undefined ? 'none' : [stats.ino, stats.mtimeMs, stats.ctimeMs, stats.size].join()
}

function assertOwnersAlone(path: string): void {
  const { mode } = statSync(path)
  if ((mode & OF_OTHERS) === 0) return
  throw new Error(`Others than its owner may read or write it (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}.`)
}
