import { BLOCK_BYTES, BLOCKS, ghashCode, LANES, sumAt, tableAt } from './ghash-code.ts'
import { type Instance, instanceOf } from './wasm.ts'

export { BLOCK_BYTES, LANES }
export const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT
export const BLOCK_WORDS = BLOCK_BYTES / WORD_BYTES

/** The polynomial of GCM's field, as it is added to the first byte of a block. */
const REDUCTION = 0xe1
/** The first bit of a byte is its highest. */
const BITS_OF_A_NIBBLE = [8, 4, 2, 1]
/** A byte times this is a word of it. */
const FOUR_TIMES = 0x01010101

/**
 * GHASH of NIST SP 800-38D (6.4), which authenticates in GCM: the sum of the blocks, each multiplied by a power of the hash key in
 * GF(2^128). It is made for {@link LANES} messages at once, in a time that depends on nothing but how many blocks they have.
 */
export class Ghash {
  /** Where the blocks of the messages are put, as bytes, and as words of a little-endian machine. */
  readonly blocks: Buffer
  readonly blockWords: Int32Array
  readonly #bytes: Uint8Array
  readonly #words: Int32Array
  readonly #sums: Int32Array
  readonly #run: Instance['run']

  /** With room for so many blocks. Throws where a process may compile no code, or its processor has no vectors. */
  constructor(room: number) {
    const size = room * BLOCK_BYTES
    const { run, memory } = instanceOf(ghashCode(), BLOCKS + size)
    this.#run = run
    this.#bytes = new Uint8Array(memory)
    this.#words = new Int32Array(memory)
    this.#sums = new Int32Array(memory, sumAt(0), LANES * BLOCK_WORDS)
    this.blocks = Buffer.from(memory, BLOCKS, size)
    this.blockWords = new Int32Array(memory, BLOCKS, size / WORD_BYTES)
  }

  /** By what is multiplied from here on: zeros, encrypted with the key. */
  setHashKey(hashKey: Uint8Array): void {
    const power = Uint8Array.from(hashKey)
    for (let byte = 0; byte < BLOCK_BYTES; byte++) {
      for (const half of ['high', 'low'] as const) {
        for (const bit of BITS_OF_A_NIBBLE) {
          for (let i = 0; i < BLOCK_BYTES; i++) this.#bytes[tableAt(byte, half, i) + bit] = power[i] as number
          multiplyByX(power)
        }
        for (let i = 0; i < BLOCK_BYTES; i++) this.#addUp(tableAt(byte, half, i))
      }
    }
  }

  /** What values of several bits become, by those of each bit. */
  #addUp(table: number): void {
    const one = this.#bytes[table + 1] as number
    const two = this.#bytes[table + 2] as number
    const four = Math.imul(this.#bytes[table + 4] as number, FOUR_TIMES)
    const eight = Math.imul(this.#bytes[table + 8] as number, FOUR_TIMES)
    const upToThree = (one << 8) | (two << 16) | ((one ^ two) << 24)
    const word = table / WORD_BYTES
    this.#words[word] = upToThree
    this.#words[word + 1] = upToThree ^ four
    this.#words[word + 2] = upToThree ^ eight
    this.#words[word + 3] = upToThree ^ four ^ eight
  }

  /**
   * The sums of {@link LANES} messages, in words, until the next ones are made: of so many blocks from `first` on, and of as many behind
   * them for each other message. Blocks of zeros before a message change nothing.
   */
  sums(first: number, count: number): Int32Array {
    const stride = count * BLOCK_BYTES
    const start = BLOCKS + first * BLOCK_BYTES
    this.#run(start, stride, start + stride)
    return this.#sums
  }
}

function multiplyByX(block: Uint8Array): void {
  const overflow = (block[BLOCK_BYTES - 1] as number) & 1
  for (let i = BLOCK_BYTES - 1; i > 0; i--) {
    block[i] = ((block[i] as number) >> 1) | (((block[i - 1] as number) & 1) << 7)
  }
  block[0] = ((block[0] as number) >> 1) ^ (overflow * REDUCTION)
}
