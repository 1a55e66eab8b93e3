import { createReadStream } from 'node:fs'
import { EventSystemError, type JsonObject, parseJson } from '@tradpal/events'

/**
 * The bytes of a file, or of standard input for `-`, which ends early when the signal is aborted. Refuses with
 * `invalid_argument` what cannot be read.
 */
export function bytesOf(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  if (path !== '-') return readable(path)
  return signal === undefined ? process.stdin : standardInputUntil(signal)
}

/** All of a small input as text. */
async function textOf(path: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytesOf(path)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** JSON from an argument: itself, of a file (@file), or from standard input (-). */
export async function jsonOf(option: string, text: string): Promise<JsonObject> {
  const json = text === '-' || text.startsWith('@') ? await textOf(text === '-' ? '-' : text.slice(1)) : text
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

/** Nobody may ever write to standard input again: what waits for it must not keep the process. */
async function* standardInputUntil(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  while (!signal.aborted) {
    const next = await Promise.race([chunks.next(), aborted])
    if (next?.done) return
    if (next !== undefined) yield next.value
  }
  process.stdin.destroy()
}

/** The refusal of a file that cannot be read, and why. */
export function unreadable(path: string, cause: unknown): EventSystemError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  const why = missing ? 'there is no such file' : (cause as Error).message
  return new EventSystemError('invalid_argument', `${path} cannot be read: ${why}.`, { cause })
}
