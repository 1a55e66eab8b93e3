import type { MessageId } from '../../port.ts'
import { compareKnownIds } from '../message-id.ts'

/** An entry in the index: its id, and when what it is about happened. */
export interface Posting {
  /** The two parts of the id, as near as a number comes to them. */
  readonly ms: number
  readonly sequence: number
  readonly eventTime: number
  /** Is there when the numbers of the id are larger than a JavaScript number holds exactly. */
  readonly messageId?: MessageId
}

/** A posting with the number of its label. */
export interface LabelledPosting extends Posting {
  readonly label: number
}

/** Numbers up to here are written as differences, which are as small then as to be exact. */
const LARGEST = 2 ** 51
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_'
/** The value of each character by its code. */
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, DIGITS.indexOf(String.fromCharCode(code))))
/** Before a posting that has its id as a text. No digit. */
const AS_TEXT = '~'
const TILDE = AS_TEXT.charCodeAt(0)

export function postingOf(messageId: MessageId, eventTime: number): Posting {
  const dash = messageId.indexOf('-')
  const [ms, sequence] = [Number(messageId.slice(0, dash)), Number(messageId.slice(dash + 1))]
  const isSmall = ms <= LARGEST && sequence <= LARGEST
  return isSmall ? { ms, sequence, eventTime } : { ms, sequence, eventTime, messageId }
}

export function idOf({ ms, sequence, messageId }: Posting): MessageId {
  return messageId ?? `${ms}-${sequence}`
}

export function compareInLog(a: Posting, b: Posting): number {
  if (a.messageId !== undefined || b.messageId !== undefined) return compareKnownIds(idOf(a), idOf(b))
  return a.ms - b.ms || a.sequence - b.sequence
}

/** Compares by event time, and in log order where the times are equal. */
export function compareByEvent(a: Posting, b: Posting): number {
  return a.eventTime - b.eventTime || compareInLog(a, b)
}

/** Writes postings of one label, in log order: of each the ms since the one before, its sequence, and how long before its id it happened. */
export function encodePostings(postings: readonly Posting[]): string {
  let text = ''
  let last = 0
  for (const posting of postings) {
    text += encoded(posting, last)
    last = nextBase(posting, last)
  }
  return text
}

/** Hands each posting to `take`. */
export function decodePostings(text: string, take: (posting: Posting) => void): void {
  const reader = new NumberReader(text)
  for (let last = 0; !reader.isAtEnd; ) {
    const posting = reader.posting(last)
    take(posting)
    last = nextBase(posting, last)
  }
}

/** As {@link encodePostings}, of several labels: the number of its label stands before each. */
export function encodeLabelled(postings: readonly LabelledPosting[]): string {
  let text = ''
  let last = 0
  for (const posting of postings) {
    text += numberText(posting.label) + encoded(posting, last)
    last = nextBase(posting, last)
  }
  return text
}

/** Hands each posting of a label that is wanted to `take`, with the number of its label. */
export function decodeLabelled(
  text: string,
  isWanted: (label: number) => boolean,
  take: (posting: Posting, label: number) => void
): void {
  const reader = new NumberReader(text)
  for (let last = 0; !reader.isAtEnd; ) {
    const label = reader.number()
    if (isWanted(label)) {
      const posting = reader.posting(last)
      take(posting, label)
      last = nextBase(posting, last)
    } else {
      last = reader.skipped(last)
    }
  }
}

function nextBase({ ms, messageId }: Posting, last: number): number {
  return messageId === undefined ? ms : last
}

function encoded(posting: Posting, last: number): string {
  const { ms, sequence, eventTime } = posting
  const delay = ms - eventTime
  if (posting.messageId !== undefined || Math.abs(delay) > LARGEST) {
    return `${AS_TEXT}${idOf(posting)} ${eventTime} `
  }
  return numberText(ms - last) + numberText(sequence) + numberText(delay < 0 ? -2 * delay - 1 : 2 * delay)
}

/** Five bits in each character, the lowest first; the sixth says that more follow. */
function numberText(number: number): string {
  let text = ''
  let left = number
  while (left >= 32) {
    text += DIGITS[32 + (left % 32)]
    left = Math.floor(left / 32)
  }
  return text + DIGITS[left]
}

/** Reads what {@link encoded} and {@link numberText} write. */
class NumberReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  number(): number {
    let [number, scale] = [0, 1]
    for (;;) {
      const value = VALUES[this.#text.charCodeAt(this.#at++)] as number
      number += (value & 31) * scale
      if (value < 32) return number
      scale *= 32
    }
  }

  posting(last: number): Posting {
    if (this.#text.charCodeAt(this.#at) === TILDE) {
      this.#at += 1
      const messageId = this.#word()
      return postingOf(messageId, Number(this.#word()))
    }
    const ms = last + this.number()
    const sequence = this.number()
    const delay = this.number()
    return { ms, sequence, eventTime: ms - (delay % 2 === 0 ? delay / 2 : -(delay + 1) / 2) }
  }

  /** Passes over a posting. Returns what the next one is written behind. */
  skipped(last: number): number {
    if (this.#text.charCodeAt(this.#at) === TILDE) return nextBase(this.posting(last), last)
    const ms = last + this.number()
    this.number()
    this.number()
    return ms
  }

  /** Up to the next space. */
  #word(): string {
    const end = this.#text.indexOf(' ', this.#at)
    const word = this.#text.slice(this.#at, end)
    this.#at = end + 1
    return word
  }
}
