import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { EventSystemError } from '@tradpal/events'
import { assertKeyId, type KeyRingText, parseKeyRing } from './key-ring.ts'

const KEY_BYTES = 32

/**
 * Puts a new random key of this id into a file of keys and makes it the current one; makes the file, for its owner alone, when
 * there is none. Who reads it meanwhile sees the old keys or the new ones, whole. Throws `invalid_argument` for an id that
 * is none or that a key has already, and `invalid_options` for a file that is no file of keys.
 */
export function addEncryptionKey(path: string, id: string): KeyRingText {
  check(() => assertKeyId(id), 'invalid_argument', '')
  const before = check(() => read(path), 'invalid_options', `The encryption keys in ${path} cannot be used: `)
  if (Object.hasOwn(before?.keys ?? {}, id)) {
    throw new EventSystemError(
      'invalid_argument',
      `There is a key ${id} in ${path} already: a new key has an id of its own.`
    )
  }
  const ring = { current: id, keys: { ...before?.keys, [id]: randomBytes(KEY_BYTES).toString('base64') } }
  replace(path, `${JSON.stringify(ring, null, 2)}\n`)
  return ring
}

function read(path: string): KeyRingText | undefined {
  try {
    return parseKeyRing(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written beside, on the disk, and then in its place: never half of it. */
function replace(path: string, text: string): void {
  const beside = `${path}.${process.pid}.new`
  try {
    const file = openSync(beside, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (cause) {
    rmSync(beside, { force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_options', `The encryption keys in ${path} cannot be written: ${reason}.`)
  }
}

function check<Result>(work: () => Result, code: 'invalid_argument' | 'invalid_options', before: string): Result {
  try {
    return work()
  } catch (error) {
    throw new EventSystemError(code, `${before}${error instanceof Error ? error.message : String(error)}`)
  }
}
