import { createCipheriv, type KeyObject } from 'node:crypto'
import { BLOCK_BYTES, BLOCK_WORDS, Ghash } from './ghash.ts'
import { IV_BYTES, ivs, nextIv } from './ivs.ts'

/** So many are sealed at once at most, */
export const MOST_AT_ONCE = 64
/** and texts of so many characters: longer ones are sealed sooner by a cipher of their own, */
export const MOST_CHARACTERS = 1_000
/** that are about so many. */
export const MOST_ABOUT = 1_000

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT
const IV_WORDS = IV_BYTES / WORD_BYTES
const BYTES_OF_A_CHARACTER = 3
/** Before a text its IV, behind it its tag. */
const BLOCKS_OF_ONE = 2 + Math.ceil((MOST_CHARACTERS * BYTES_OF_A_CHARACTER) / BLOCK_BYTES)

/** What is sealed, and what is authenticated with it. */
export interface Sealable {
  readonly about: string
  readonly text: string
}

/** Blocks, as bytes and as words of a little-endian machine. */
class Blocks {
  readonly bytes: Buffer
  readonly words: Int32Array

  constructor(count: number) {
    const memory = new ArrayBuffer(count * BLOCK_BYTES)
    this.bytes = Buffer.from(memory)
    this.words = new Int32Array(memory)
  }
}

/** Where boxes are put together, so that nothing is allocated for each. */
const bench = {
  counters: new Blocks(MOST_AT_ONCE * BLOCKS_OF_ONE),
  texts: new Blocks(MOST_AT_ONCE * BLOCKS_OF_ONE),
  about: new Blocks(Math.ceil((MOST_ABOUT * BYTES_OF_A_CHARACTER) / BLOCK_BYTES)),
  lengths: new Blocks(1),
  tag: new Blocks(1)
}

/** Where on the bench a text stands, in blocks: before it one that its IV ends, behind it room for its tag. */
interface Place {
  readonly start: number
  readonly end: number
  /** Of the text. */
  readonly bytes: number
}

/**
 * AES-256-GCM (NIST SP 800-38D) of many small texts at once: all that AES has to encrypt for them, which is their counters, goes
 * through one call of OpenSSL, where a cipher for each would take longer than all the rest of publishing it.
 */
export class BatchCipher {
  readonly #key: KeyObject
  readonly #ghash: Ghash

  constructor(key: KeyObject) {
    this.#key = key
    this.#ghash = new Ghash(encryptedBlocks(key, Buffer.alloc(BLOCK_BYTES)))
  }

  /** The box of each, as `seal` makes them: of no more and no longer ones than {@link MOST_AT_ONCE} and the others say. */
  seal(all: readonly Sealable[]): string[] {
    const places: Place[] = []
    let end = 0
    for (const { text } of all) {
      const place = placed(text, end)
      places.push(place)
      end = place.end
    }
    const { buffer, byteOffset, length } = encryptedBlocks(
      this.#key,
      bench.counters.bytes.subarray(0, end * BLOCK_BYTES)
    )
    const stream = new Int32Array(buffer, byteOffset, length / WORD_BYTES)
    return places.map((place, i) => this.#box(place, (all[i] as Sealable).about, stream))
  }

  #box(place: Place, about: string, stream: Int32Array): string {
    const { texts, tag } = bench
    const first = (place.start + 1) * BLOCK_WORDS
    const beyond = (place.end - 1) * BLOCK_WORDS
    for (let i = first; i < beyond; i++) texts.words[i] = (texts.words[i] as number) ^ (stream[i] as number)
    const from = first * WORD_BYTES
    const to = from + place.bytes
    texts.bytes.fill(0, to, beyond * WORD_BYTES)

    const ghash = this.#ghash
    ghash.clear()
    const aboutBytes = this.#addAbout(about)
    ghash.add(texts.words, first, beyond)
    bench.lengths.bytes.writeUInt32BE(aboutBytes * 8, 4)
    bench.lengths.bytes.writeUInt32BE(place.bytes * 8, 12)
    ghash.add(bench.lengths.words, 0, BLOCK_WORDS)
    for (let i = 0; i < BLOCK_WORDS; i++) {
      tag.words[i] = (ghash.sum[i] as number) ^ (stream[place.start * BLOCK_WORDS + i] as number)
    }
    texts.bytes.set(tag.bytes, to)
    return texts.bytes.toString('base64url', from - IV_BYTES, to + BLOCK_BYTES)
  }

  /** How many bytes it is. */
  #addAbout(text: string): number {
    const { bytes, words } = bench.about
    const length = bytes.write(text)
    const blocks = Math.ceil(length / BLOCK_BYTES)
    bytes.fill(0, length, blocks * BLOCK_BYTES)
    this.#ghash.add(words, 0, blocks * BLOCK_WORDS)
    return length
  }
}

/** Puts a text and its IV on the bench, and the counters that are encrypted for it. */
function placed(text: string, start: number): Place {
  const { counters, texts } = bench
  const iv = nextIv() / WORD_BYTES
  const bytes = texts.bytes.write(text, (start + 1) * BLOCK_BYTES)
  const end = start + 2 + Math.ceil(bytes / BLOCK_BYTES)
  for (let word = 0; word < IV_WORDS; word++) {
    const part = ivs.words[iv + word] as number
    texts.words[start * BLOCK_WORDS + 1 + word] = part
    for (let block = start; block < end; block++) counters.words[block * BLOCK_WORDS + word] = part
  }
  // The last byte of the counter, which begins with 1.
  for (let block = start; block < end; block++) {
    counters.words[block * BLOCK_WORDS + IV_WORDS] = (block - start + 1) << 24
  }
  return { start, end, bytes }
}

function encryptedBlocks(key: KeyObject, blocks: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-ecb', key, null)
  cipher.setAutoPadding(false)
  return cipher.update(blocks)
}
