import { type FileHandle, mkdtemp, open, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { EventSystemError } from '@tradpal/events'
import { bytesOf, unreadable } from '../input-file.ts'

const CHUNK_BYTES = 262_144
const GZIP = '1f8b'
/** Packed files that `import` does not unpack, by their first bytes. */
const OTHER_PACKED: readonly (readonly [start: string, what: string, unpack: string])[] = [
  ['504b0304', 'a zip archive or a workbook of a spreadsheet', 'unzip -p'],
  ['28b52ffd', 'packed with zstd', 'zstd -dc'],
  ['425a68', 'packed with bzip2', 'bzip2 -dc'],
  ['fd377a585a00', 'packed with xz', 'xz -dc']
]

/**
 * A file that is read several times, from the first byte each time. A gzip file is read unpacked. Standard input is first
 * copied to a temporary file that has no name and so ends with the process.
 */
export class Source implements AsyncDisposable {
  /** As errors name it. */
  readonly name: string
  /** In bytes, packed where it is packed. */
  readonly size: number
  /** How many of these bytes the current pass has read. */
  position = 0
  readonly #file: FileHandle
  readonly #modifiedMs: number
  readonly #isGzip: boolean

  private constructor(name: string, file: FileHandle, found: { size: number; mtimeMs: number }, isGzip: boolean) {
    this.name = name
    this.#file = file
    this.size = found.size
    this.#modifiedMs = found.mtimeMs
    this.#isGzip = isGzip
  }

  /** `-` is standard input. Rejects with `invalid_argument` for what cannot be read, and with the signal's reason. */
  static async open(path: string, signal: AbortSignal): Promise<Source> {
    const name = path === '-' ? 'standard input' : path
    const file = path === '-' ? await copyOfStandardInput(signal) : await openFile(path)
    try {
      const found = await file.stat()
      if (!found.isFile()) {
        const sentence = `${path} is no file; for a pipe give - and write to standard input.`
        throw new EventSystemError('invalid_argument', sentence)
      }
      const start = await startOf(file)
      const packed = OTHER_PACKED.find(([bytes]) => start.startsWith(bytes))
      if (packed !== undefined) {
        const [, what, unpack] = packed
        const sentence = `${name} is ${what}: unpack it first, as in ${unpack} FILE | tradpal-events import -`
        throw new EventSystemError('invalid_argument', `${sentence}.`)
      }
      return new Source(name, file, found, start.startsWith(GZIP))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** A new pass over the bytes. Only one at a time. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    this.position = 0
    const read = this.#read()
    yield* this.#isGzip ? unzipped(this.name, read) : read
  }

  /** Rejects with `invalid_argument` when the file was changed since it was opened: what was checked is not what would be read. */
  async assertUnchanged(): Promise<void> {
    const { size, mtimeMs } = await this.#file.stat()
    if (size === this.size && mtimeMs === this.#modifiedMs) return
    const sentence = `${this.name} was changed while it was read; give the command again when the file is complete.`
    throw new EventSystemError('invalid_argument', sentence)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await this.#file.read(buffer, 0, CHUNK_BYTES, this.position).catch((cause) => {
        throw unreadable(this.name, cause)
      })
      if (bytesRead === 0) return
      this.position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** The file is removed at once: nobody else can read what passes through, and nothing is left, whatever ends the process. */
async function copyOfStandardInput(signal: AbortSignal): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-import-'))
  const path = join(folder, 'input')
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  await rmdir(folder)
  try {
    await file.writeFile(bytesOf('-', signal))
    signal.throwIfAborted()
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function startOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
  return buffer.subarray(0, bytesRead).toString('hex')
}

async function* unzipped(name: string, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  // What fails destroys `gunzip`, which throws it here.
  const feeding = pipeline(packed, gunzip).catch(() => {})
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
  } catch (cause) {
    if (cause instanceof EventSystemError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_argument', `${name} is no complete gzip file: ${reason}.`, { cause })
  } finally {
    gunzip.destroy()
    await feeding
  }
}
