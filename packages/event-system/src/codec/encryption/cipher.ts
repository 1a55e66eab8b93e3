import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { IV_BYTES, nextIv } from './ivs.ts'

const ALGORITHM = 'aes-256-gcm'
const TAG_BYTES = 16
const OPTIONS = { authTagLength: TAG_BYTES }

/** Where the output is put together: of the usual size, so that none is allocated for each event. */
const scratch = Buffer.allocUnsafe(64 * 1_024)

/** The iv, the ciphertext and the tag, valid until the next call. `about` is authenticated and not part of them. */
export function seal(key: KeyObject, about: string, content: Buffer): Buffer {
  const iv = nextIv()
  const cipher = createCipheriv(ALGORITHM, key, iv, OPTIONS)
  cipher.setAAD(Buffer.from(about))
  const ciphertext = cipher.update(content)
  cipher.final()
  const size = IV_BYTES + ciphertext.length + TAG_BYTES
  const box = size <= scratch.length ? scratch.subarray(0, size) : Buffer.allocUnsafe(size)
  box.set(iv, 0)
  box.set(ciphertext, IV_BYTES)
  box.set(cipher.getAuthTag(), IV_BYTES + ciphertext.length)
  return box
}

/** Throws when any of it is not as it was sealed. */
export function open(key: KeyObject, about: string, box: Buffer): Buffer {
  const decipher = createDecipheriv(ALGORITHM, key, box.subarray(0, IV_BYTES), OPTIONS)
  decipher.setAAD(Buffer.from(about))
  decipher.setAuthTag(box.subarray(-TAG_BYTES))
  const plain = decipher.update(box.subarray(IV_BYTES, -TAG_BYTES))
  decipher.final()
  return plain
}
