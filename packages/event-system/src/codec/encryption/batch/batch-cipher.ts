import { createCipheriv, type KeyObject } from 'node:crypto'
import { IV_BYTES, ivs, nextIv } from '../ivs.ts'
import { BLOCK_BYTES, BLOCK_WORDS, Ghash, WORD_BYTES } from './ghash.ts'
import { blocksOf, type Message, put, type Sealable } from './lanes.ts'

/** So many are sealed at once at most, */
export const MOST_AT_ONCE = 64
/** and texts of so many characters: longer ones are sealed sooner by a cipher of their own, */
export const MOST_CHARACTERS = 1_000
/** that are about so many. */
export const MOST_ABOUT = 1_000

const BYTES_OF_A_CHARACTER = 3
const MOST_BLOCKS = blocksOf(MOST_ABOUT * BYTES_OF_A_CHARACTER) + blocksOf(MOST_CHARACTERS * BYTES_OF_A_CHARACTER) + 1
const IV_WORDS = IV_BYTES / WORD_BYTES
const BITS_OF_A_BYTE = 8
const ZEROS = new Uint8Array(BLOCK_BYTES)

/**
 * AES-256-GCM (NIST SP 800-38D) of many small texts at once: all that AES has to encrypt for them, which is their counters, goes
 * through one call of OpenSSL, where a cipher for each would take longer than all the rest of publishing it.
 */
export class BatchCipher {
  readonly #ghash = new Ghash(MOST_AT_ONCE * MOST_BLOCKS)
  readonly #bytes = this.#ghash.blocks
  readonly #words = this.#ghash.blockWords
  /** Each stands where the block stands that is encrypted with it, that of the tag at the last block. */
  readonly #counters = new Int32Array(this.#words.length)
  readonly #tag = new Int32Array(BLOCK_WORDS)
  readonly #tagBytes = new Uint8Array(this.#tag.buffer)
  #key: KeyObject | undefined

  /** The box of each, as `seal` makes them: of no more and no longer ones than {@link MOST_AT_ONCE} and the others say. */
  seal(key: KeyObject, all: readonly Sealable[]): string[] {
    if (key !== this.#key) this.#ghash.setHashKey(encryptedBlocks(key, ZEROS))
    this.#key = key
    const lanes = put(all, this.#bytes)
    const messages = lanes.flatMap((some) => some.messages)
    for (const message of messages) this.#count(message)
    const stream = wordsOf(encryptedBlocks(key, this.#countersOf(messages)))
    for (const message of messages) this.#encrypt(message, stream)
    return lanes.flatMap(({ first, count, messages }) => {
      const sums = this.#ghash.sums(first, count)
      return messages.map((message, lane) => this.#box(message, sums, lane * BLOCK_WORDS, stream))
    })
  }

  /** The counters for a message, with an IV of its own: 1 for its tag, and those from 2 on for its text. */
  #count({ text, last }: Message): void {
    const iv = nextIv() / WORD_BYTES
    for (let word = 0; word < IV_WORDS; word++) {
      const part = ivs.words[iv + word] as number
      for (let block = text; block <= last; block++) this.#counters[block * BLOCK_WORDS + word] = part
    }
    for (let block = text; block < last; block++) {
      this.#counters[block * BLOCK_WORDS + IV_WORDS] = inLastByte(block - text + 2)
    }
    this.#counters[last * BLOCK_WORDS + IV_WORDS] = inLastByte(1)
  }

  #countersOf(messages: readonly Message[]): Uint8Array {
    const { last } = messages.at(-1) as Message
    return new Uint8Array(this.#counters.buffer, 0, (last + 1) * BLOCK_BYTES)
  }

  #encrypt({ text, last, aboutBytes, textBytes }: Message, stream: Int32Array): void {
    const words = this.#words
    for (let word = text * BLOCK_WORDS; word < last * BLOCK_WORDS; word++) {
      words[word] = (words[word] as number) ^ (stream[word] as number)
    }
    this.#bytes.fill(0, text * BLOCK_BYTES + textBytes, last * BLOCK_BYTES)
    this.#bytes.writeUInt32BE(aboutBytes * BITS_OF_A_BYTE, last * BLOCK_BYTES + 4)
    this.#bytes.writeUInt32BE(textBytes * BITS_OF_A_BYTE, last * BLOCK_BYTES + 12)
  }

  /** Put together around the text, where nobody needs any more what was summed up. */
  #box({ text, last, textBytes }: Message, sums: Int32Array, sum: number, stream: Int32Array): string {
    const start = text * BLOCK_WORDS - IV_WORDS
    const end = text * BLOCK_BYTES + textBytes
    for (let word = 0; word < IV_WORDS; word++) {
      this.#words[start + word] = this.#counters[last * BLOCK_WORDS + word] as number
    }
    for (let word = 0; word < BLOCK_WORDS; word++) {
      this.#tag[word] = (sums[sum + word] as number) ^ (stream[last * BLOCK_WORDS + word] as number)
    }
    this.#bytes.set(this.#tagBytes, end)
    return this.#bytes.toString('base64url', start * WORD_BYTES, end + BLOCK_BYTES)
  }
}

/** Of a word of a little-endian machine. */
function inLastByte(value: number): number {
  return value << 24
}

function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / WORD_BYTES)
}

function encryptedBlocks(key: KeyObject, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-ecb', key, null)
  cipher.setAutoPadding(false)
  return cipher.update(blocks)
}
