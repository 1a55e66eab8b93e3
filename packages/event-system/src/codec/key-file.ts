import { statSync } from 'node:fs'
import { isJsonObject, type JsonObject, parseJson } from '@tradpal/events'
import { type Logger, WatchedFiles } from '../runtime/index.ts'

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

/** Keys in a file of its owner's alone, which is read again when it changes. What is wrong with it then is logged, and the keys before hold on. */
export class KeyFile<Ring> {
  readonly path: string
  readonly #file: WatchedFiles<Ring>

  /** Reads it. Throws `invalid_options`, and never says what the keys are. */
  constructor({ what, path, parse, logger }: KeyFileOptions<Ring>) {
    this.path = path
    this.#file = new WatchedFiles({
      what: `the file of ${what}`,
      paths: [path],
      parse: (bytes) => {
        assertOwnersAlone(path)
        return parse(bytes.toString('utf8'))
      },
      logger
    })
  }

  get ring(): Ring {
    return this.#file.content
  }

  /** Looks at the file from here on, until {@link close}. */
  start(): void {
    this.#file.start()
  }

  close(): void {
    this.#file.close()
  }
}

/** The object that a file of keys holds. Throws a sentence that says of which form it is, and not what it holds. */
export function ringIn(json: string, form: string): JsonObject {
  let ring: unknown
  try {
    ring = parseJson(json)
  } catch {
    // What a parser says quotes the text.
    throw new Error(`It is not JSON: it must have the form ${form}.`)
  }
  if (isJsonObject(ring) && isJsonObject(ring.keys)) return ring
  throw new Error(`It must have the form ${form}.`)
}

function assertOwnersAlone(path: string): void {
  const { mode } = statSync(path)
  if ((mode & OF_OTHERS) === 0) return
  throw new Error(`Others than its owner may read or write it (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}.`)
}
