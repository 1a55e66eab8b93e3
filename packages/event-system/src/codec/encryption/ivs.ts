import { randomFillSync } from 'node:crypto'

/** Of an IV of GCM. */
export const IV_BYTES = 12
/** Random bytes for so many are made at once: one by one they cost more than the cipher. */
const MADE_AT_ONCE = 4_096

const memory = new ArrayBuffer(IV_BYTES * MADE_AT_ONCE)

/** Where IVs are taken from, as bytes and as words. */
export const ivs = { bytes: Buffer.from(memory), words: new Int32Array(memory) } as const

let used = memory.byteLength

/** Where in {@link ivs} one begins that nobody had before, in bytes. It stands there until the next one is asked for. */
export function nextIv(): number {
  if (used === memory.byteLength) {
    randomFillSync(ivs.bytes)
    used = 0
  }
  used += IV_BYTES
  return used - IV_BYTES
}
