import { createReadStream } from 'node:fs'
import { EventSystemError, type JsonObject, parseJson } from '@tradpal/events'

/** The standard input. */
export interface StandardInput extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean
  /** Gives it up. */
  destroy(): unknown
}

/** The bytes of a file, or of standard input for `-`. Refuses with `invalid_argument` what cannot be read. */
export function bytesOf(path: string, stdin: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return path === '-' ? stdin : readable(path)
}

/** All of a small input as text. */
async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** JSON from an argument: itself, of a file (@file), or from standard input (-). */
export async function jsonOf(option: string, text: string, stdin: StandardInput): Promise<JsonObject> {
  const path = text === '-' ? '-' : text.startsWith('@') ? text.slice(1) : undefined
  const json = path === undefined ? text : await textOf(bytesOf(path, stdin))
  try {
    return parseJson(json) as JsonObject
  } catch (error) {
    if (!(error instanceof EventSystemError)) throw error
    throw new EventSystemError(error.code, `${option}: ${error.message}`, { cause: error })
  }
}

async function* readable(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 262_144 })
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** Standard input, until the signal is aborted. Nobody may ever write to it again: what waits for it must not keep the process. */
export async function* inputUntil(stdin: StandardInput, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = stdin[Symbol.asyncIterator]()
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  while (!signal.aborted) {
    const next = await Promise.race([chunks.next(), aborted])
    if (next?.done) return
    if (next !== undefined) yield next.value
  }
  stdin.destroy()
}

/** The refusal of a file that cannot be read, and why. */
export function unreadable(path: string, cause: unknown): EventSystemError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  const why = missing ? 'there is no such file' : (cause as Error).message
  return new EventSystemError('invalid_argument', `${path} cannot be read: ${why}.`, { cause })
}
