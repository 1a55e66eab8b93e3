import { readFileSync, type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { EventSystemError } from '@tradpal/events'
import type { Logger } from '../../runtime/index.ts'
import { type KeyRing, keyRingOf } from './key-ring.ts'

/** How often the file is looked at, in ms: by its state and not by notices, which do not come where a file is replaced through links, as orchestrators do. */
const LOOK_EVERY_MS = 1_000
/** The bits of a file's mode that let others than its owner at it. */
const OF_OTHERS = 0o077

/** Keys in a file that is read again when it changes. What is wrong with it then is logged, and the keys before hold on. */
export class KeyRingFile {
  readonly path: string
  readonly #logger: Logger
  #ring: KeyRing
  /** Of the file that was read last. What changed before anybody looked is noticed too, as by a watcher of Node's own it would not be. */
  #state: string
  #timer: NodeJS.Timeout | undefined

  /** Reads it. Throws `invalid_options`, and never says what the keys are. */
  constructor(path: string, logger: Logger) {
    this.path = path
    this.#logger = logger
    this.#state = stateOf(statSync(path, { throwIfNoEntry: false }))
    this.#ring = readKeyRing(path)
  }

  get ring(): KeyRing {
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
    const state = stateOf(await stat(this.path).catch(() => undefined))
    if (state === this.#state) return
    this.#state = state
    try {
      this.#ring = readKeyRing(this.path)
    } catch (error) {
      this.#logger.error({ err: error }, 'the encryption keys changed and cannot be used: those before hold on')
      return
    }
    const { current, keys } = this.#ring
    this.#logger.info({ current, keys: [...keys.keys()] }, 'the encryption keys changed and were read again')
  }
}

function readKeyRing(path: string): KeyRing {
  try {
    assertOwnersAlone(path)
    return keyRingOf(readFileSync(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new EventSystemError('invalid_options', `The encryption keys in ${path} cannot be used: ${reason}`)
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
