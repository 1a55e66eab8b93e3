export const BLOCK_BYTES = 16
export const BLOCK_WORDS = BLOCK_BYTES / Int32Array.BYTES_PER_ELEMENT
/** The multiples for one byte of a block, in words. */
const BYTE_WORDS = 256 * BLOCK_WORDS
/** The polynomial of GCM's field, as it is added to the first byte of a block. */
const REDUCTION = 0xe1

/**
 * GHASH of NIST SP 800-38D (6.4), which authenticates in GCM: the sum of the blocks, each multiplied by a power of the hash key in
 * GF(2^128). By tables of what each byte of a block becomes (64 KiB, made in some 10 µs), so that a block takes 16 look-ups; where they
 * fall depends on the hash key, which others on the same processor could measure in its cache.
 *
 * Blocks are words of a little-endian machine.
 */
export class Ghash {
  /** Of the blocks since the last {@link clear}. */
  readonly sum = new Int32Array(BLOCK_WORDS)
  readonly #multiples: Int32Array

  constructor(hashKey: Uint8Array) {
    this.#multiples = multiplesOf(hashKey)
  }

  clear(): void {
    this.sum.fill(0)
  }

  /** Adds whole blocks. */
  add(words: Int32Array, from: number, to: number): void {
    const { sum } = this
    const multiples = this.#multiples
    for (let block = from; block < to; block += BLOCK_WORDS) {
      let [a, b, c, d] = [0, 0, 0, 0]
      let table = 0
      for (let i = 0; i < BLOCK_WORDS; i++) {
        let word = (words[block + i] as number) ^ (sum[i] as number)
        for (let byte = 0; byte < 4; byte++) {
          const at = table + (word & 0xff) * BLOCK_WORDS
          a ^= multiples[at] as number
          b ^= multiples[at + 1] as number
          c ^= multiples[at + 2] as number
          d ^= multiples[at + 3] as number
          word >>>= 8
          table += BYTE_WORDS
        }
      }
      sum[0] = a
      sum[1] = b
      sum[2] = c
      sum[3] = d
    }
  }
}

/** By a byte's place in the block and its value: what the hash key multiplied by it is. */
function multiplesOf(hashKey: Uint8Array): Int32Array {
  const multiples = new Int32Array(BLOCK_BYTES * BYTE_WORDS)
  const bytes = new Uint8Array(multiples.buffer)
  const power = Uint8Array.from(hashKey)
  for (let table = 0; table < multiples.length; table += BYTE_WORDS) {
    // The first bit of a byte is its highest.
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      bytes.set(power, (table + bit * BLOCK_WORDS) * Int32Array.BYTES_PER_ELEMENT)
      multiplyByX(power)
    }
    for (let bit = 2; bit < 0x100; bit <<= 1) addToAllBelow(bit, multiples.subarray(table, table + BYTE_WORDS))
  }
  return multiples
}

/** What the values between this bit and the next one become, by that of the bit and those below it. */
function addToAllBelow(bit: number, multiples: Int32Array): void {
  const ofBit = bit * BLOCK_WORDS
  for (let i = BLOCK_WORDS; i < ofBit; i++) {
    multiples[ofBit + i] = (multiples[ofBit + (i % BLOCK_WORDS)] as number) ^ (multiples[i] as number)
  }
}

function multiplyByX(block: Uint8Array): void {
  const overflow = (block[BLOCK_BYTES - 1] as number) & 1
  for (let i = BLOCK_BYTES - 1; i > 0; i--) {
    block[i] = ((block[i] as number) >> 1) | (((block[i - 1] as number) & 1) << 7)
  }
  block[0] = ((block[0] as number) >> 1) ^ (overflow * REDUCTION)
}
