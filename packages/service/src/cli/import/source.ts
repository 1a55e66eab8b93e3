import { type FileHandle, mkdtemp, open, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { EventSystemError } from '@tradpal/events'
import { inputUntil, type StandardInput, unreadable } from '../input-file.ts'

const CHUNK_BYTES = 262_144
const GZIP = '1f8b'
/** Files that `import` does not read, by their first bytes in hexadecimal digits, and what makes a file of them that it reads. */
const OTHER_FILES: readonly (readonly [start: RegExp, what: string, command: string])[] = [
  [/^504b0304/, 'a zip archive or a workbook of a spreadsheet: unpack it', 'unzip -p'],
  [/^28b52ffd/, 'packed with zstd: unpack it', 'zstd -dc'],
  [/^425a68/, 'packed with bzip2: unpack it', 'bzip2 -dc'],
  [/^fd377a585a00/, 'packed with xz: unpack it', 'xz -dc'],
  [/^(?:fffe|feff)/, 'text in UTF-16: convert it to UTF-8', 'iconv -f UTF-16 -t UTF-8'],
  // The first character of a table or of JSON is ASCII, and so has a zero byte beside it.
  [/^(?!00)..00(?!00)..00/, 'text in UTF-16: convert it to UTF-8', 'iconv -f UTF-16LE -t UTF-8'],
  [/^00(?!00)..00(?!00)/, 'text in UTF-16: convert it to UTF-8', 'iconv -f UTF-16BE -t UTF-8']
]
const PACKED_TWICE = [/^1f8b/, 'packed with gzip twice: unpack it once', 'gzip -dc'] as const

/** The arguments of a command's work. */
interface Given {
  readonly stdin: StandardInput
  readonly signal: AbortSignal
}

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
  static async open(path: string, given: Given): Promise<Source> {
    const name = path === '-' ? 'standard input' : path
    const file = path === '-' ? await copyOfStandardInput(given) : await openFile(path)
    try {
      const found = await file.stat()
      if (!found.isFile()) {
        const what = found.isDirectory()
          ? 'is a folder: give a file'
          : 'is no file; for a pipe give - and write to standard input'
        const sentence = `${path} ${what}.`
        throw new EventSystemError('invalid_argument', sentence)
      }
      const source = new Source(name, file, found, (await startOf(file)).startsWith(GZIP))
      await source.#mustBeReadable()
      return source
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** A new pass over the bytes. `position` is of the latest one. */
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

  async #mustBeReadable(): Promise<void> {
    const start = await startOfText(this.bytes())
    const others = this.#isGzip ? [...OTHER_FILES, PACKED_TWICE] : OTHER_FILES
    const other = others.find(([bytes]) => bytes.test(start))
    if (other === undefined) return
    const [, what, command] = other
    const sentence = `${this.name} is ${what} first, as in ${command} FILE | tradpal-events import -`
    throw new EventSystemError('invalid_argument', `${sentence}.`)
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    // Of this pass alone: an earlier one that was left may still wait for bytes.
    let position = 0
    for (;;) {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
      // What is appended later is not read.
      const length = Math.min(CHUNK_BYTES, this.size - position)
      const { bytesRead } = await this.#file.read(buffer, 0, length, position).catch((cause) => {
        throw unreadable(this.name, cause)
      })
      if (bytesRead === 0) return
      position += bytesRead
      this.position = position
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
async function copyOfStandardInput({ stdin, signal }: Given): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-import-'))
  const path = join(folder, 'input')
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  await rmdir(folder)
  try {
    await file.writeFile(inputUntil(stdin, signal))
    signal.throwIfAborted()
    return file
  } catch (error) {
    await file.close()
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC') throw error
    const sentence = `${folder} has no room for a copy of standard input: set TMPDIR to a folder that has, or give a file.`
    throw Object.assign(new Error(sentence, { cause: error }), { code })
  }
}

async function startOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
  return buffer.subarray(0, bytesRead).toString('hex')
}

async function startOfText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of chunks) return Buffer.from(chunk.subarray(0, 8)).toString('hex')
  return ''
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
