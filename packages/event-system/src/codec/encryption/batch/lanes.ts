import { BLOCK_BYTES, LANES } from './ghash.ts'

/** What is sealed, and what is authenticated with it. */
export interface Sealable {
  readonly about: string
  readonly text: string
}

/** Up to {@link LANES} messages, each in `count` blocks behind those of the one before. */
export interface Lanes {
  readonly first: number
  readonly count: number
  readonly messages: readonly Message[]
}

/**
 * Where a message stands in its lane, in blocks: zeros, what it is about from `about` on, what is sealed from `text` on, and a `last` one for
 * how long both are. What does not fill its last block has zeros behind it.
 */
export class Message {
  readonly aboutBytes: number
  readonly textBytes: number
  readonly about: number
  readonly text: number
  readonly last: number

  constructor({ aboutBytes, textBytes }: Lengths, last: number) {
    this.aboutBytes = aboutBytes
    this.textBytes = textBytes
    this.last = last
    this.text = last - blocksOf(textBytes)
    this.about = this.text - blocksOf(aboutBytes)
  }
}

interface Lengths {
  readonly aboutBytes: number
  readonly textBytes: number
}

const ZEROS = Array.from({ length: BLOCK_BYTES + 1 }, (_, count) => '\0'.repeat(count))
const BLOCK_OF_ZEROS = ZEROS[BLOCK_BYTES] as string

/** Puts messages into memory: as ASCII, as they mostly are, which needs no measuring, and if they were none, once more. */
export function put(all: readonly Sealable[], memory: Buffer): readonly Lanes[] {
  return written(all, (text) => text.length, memory) ?? (written(all, Buffer.byteLength, memory) as readonly Lanes[])
}

/** Undefined when they are not as long as was said. */
function written(
  all: readonly Sealable[],
  bytesOf: (text: string) => number,
  memory: Buffer
): readonly Lanes[] | undefined {
  const lanes: Lanes[] = []
  const pieces: string[] = []
  let end = 0
  for (let from = 0; from < all.length; from += LANES) {
    const some = all.slice(from, from + LANES)
    const lengths = some.map(({ about, text }) => ({ aboutBytes: bytesOf(about), textBytes: bytesOf(text) }))
    const count = Math.max(...lengths.map(blocksFor))
    const messages: Message[] = []
    const first = end
    for (const [lane, { about, text }] of some.entries()) {
      const message = new Message(lengths[lane] as Lengths, end + count - 1)
      messages.push(message)
      for (let block = end; block < message.about; block++) pieces.push(BLOCK_OF_ZEROS)
      pieces.push(about, filling(message.aboutBytes), text, filling(message.textBytes), BLOCK_OF_ZEROS)
      end += count
    }
    lanes.push({ first, count, messages })
  }
  return memory.write(pieces.join('')) === end * BLOCK_BYTES ? lanes : undefined
}

/** One stands before the text in any case: the IV is put there in the end. */
function blocksFor({ aboutBytes, textBytes }: Lengths): number {
  return Math.max(1, blocksOf(aboutBytes)) + blocksOf(textBytes) + 1
}

export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES)
}

/** What is missing to whole blocks. */
function filling(bytes: number): string {
  return ZEROS[blocksOf(bytes) * BLOCK_BYTES - bytes] as string
}
