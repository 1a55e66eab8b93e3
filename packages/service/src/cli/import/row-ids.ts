import { hash } from 'node:crypto'
import { type Event, isJsonObject, type StoredEvent, stringifyJson } from '@tradpal/events'

/** A map holds fewer than 2^24 entries, and a file may have more rows. */
const MAPS = 64

/**
 * The event ids of the rows of a file, in about 100 bytes a row.
 *
 * A row that brings no event id gets one that is made from what it says and its ordinal among equal rows: the same row has
 * the same id in every run, and in a corrected file. A first pass takes the ids of all rows, the log then says which of them it has,
 * and a second pass asks which rows are to be published.
 */
export class RowIds {
  /** By the id of the first of some equal rows: how many there are. The ids of the others have 0. */
  readonly #made = new LargeMap()
  /** Ids that rows bring: a number that stands for the type and the data. */
  readonly #brought = new LargeMap()
  readonly #inLog = new LargeMap()
  readonly #conflicts = new Set<string>()

  /** The id of a row that brings none. `content` is all that makes it another row. */
  make(content: string): string {
    const digest = hash('sha256', content, 'hex')
    const first = uuid8(digest)
    const ordinal = this.#made.get(first) ?? 0
    this.#made.set(first, ordinal + 1)
    const id = idOf(digest, ordinal)
    if (ordinal > 0) this.#made.set(id, 0)
    return id
  }

  /** Takes the id that a row brings: `repeated` when an equal event of the file has it, `conflict` when another one has. */
  bring(event: Event): 'new' | 'repeated' | 'conflict' {
    const known = this.#brought.get(event.eventId)
    const content = contentNumber(event)
    if (known === undefined) this.#brought.set(event.eventId, content)
    return known === undefined ? 'new' : known === content ? 'repeated' : 'conflict'
  }

  /** Whether the rows bring ids of their own: such an id may stand for an event of any type. */
  get bringIds(): boolean {
    return this.#brought.size > 0
  }

  get size(): number {
    return this.#brought.size + this.#made.size
  }

  /** Takes note of an event of the log. */
  note(event: StoredEvent): void {
    const brought = this.#brought.get(event.eventId)
    if (brought === undefined && this.#made.get(event.eventId) === undefined) return
    if (brought === undefined || brought === contentNumber(event)) this.#inLog.set(event.eventId, 1)
    else this.#conflicts.add(event.eventId)
  }

  /** How many ids of the file the log has, for the same events. */
  get countInLog(): number {
    return this.#inLog.size
  }

  /** Ids of the file that the log has for other events. */
  get conflicts(): ReadonlySet<string> {
    return this.#conflicts
  }

  /** In the second pass: the id of a row that brings none, or undefined when the log has it. Equal rows take their ids in another order. */
  remake(content: string): string | undefined {
    const digest = hash('sha256', content, 'hex')
    const first = uuid8(digest)
    const ordinal = (this.#made.get(first) ?? 1) - 1
    this.#made.set(first, ordinal)
    const id = idOf(digest, ordinal)
    return this.#inLog.get(id) === undefined ? id : undefined
  }

  /** In the second pass: whether a row that brings this id is to be published. Of rows with the same id the first is. */
  take(eventId: string): boolean {
    return this.#brought.delete(eventId) && this.#inLog.get(eventId) === undefined
  }
}

class LargeMap {
  readonly #maps = Array.from({ length: MAPS }, () => new Map<string, number>())

  get(key: string): number | undefined {
    return this.#mapOf(key).get(key)
  }

  set(key: string, value: number): void {
    this.#mapOf(key).set(key, value)
  }

  delete(key: string): boolean {
    return this.#mapOf(key).delete(key)
  }

  get size(): number {
    return this.#maps.reduce((sum, { size }) => sum + size, 0)
  }

  #mapOf(key: string): Map<string, number> {
    const mixed = key.charCodeAt(key.length - 1) * 31 + key.charCodeAt(key.length >> 1)
    return this.#maps[mixed % MAPS] as Map<string, number>
  }
}

/** JSON in which the members of an object are in the order of their names. */
export function canonicalJson(value: unknown): string {
  return stringifyJson(sorted(value))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return value
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const)
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

/** 48 bits of a hash: what is compared is two contents of one id, not all contents. */
function contentNumber({ eventType, data }: Event): number {
  return Number.parseInt(hash('sha256', canonicalJson([eventType, data]), 'hex').slice(0, 12), 16)
}

function idOf(digest: string, ordinal: number): string {
  return uuid8(ordinal === 0 ? digest : hash('sha256', `${digest}:${ordinal}`, 'hex'))
}

/** A UUID of version 8 (RFC 9562) with the first bits of a hash in hexadecimal digits. */
function uuid8(digits: string): string {
  const variant = ((Number.parseInt(digits[16] as string, 16) & 0x3) | 0x8).toString(16)
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32)
  ].join('-')
}
