import { randomFillSync } from 'node:crypto'

/** The length of an IV of GCM. */
export const IV_BYTES = 12
/** The random bytes for this number of IVs are made in one call: a call for each IV costs more than the cipher. */
const MADE_AT_ONCE = 4_096

const pool = Buffer.alloc(IV_BYTES * MADE_AT_ONCE)
let used = pool.length

/** A random IV that was never returned before. It is a view into a pool: use it before the next call. */
export function nextIv(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += IV_BYTES
  return pool.subarray(used - IV_BYTES, used)
}
