import type { EntryLabel, MessageId, Write } from '../../port.ts'
import { decodeLabelled, encodeLabelled, type LabelledPosting, type Posting } from './postings.ts'

/**
 * The collections of an index. Labels are numbered from 1. Segments have numbers that only grow, and are never given again. The tail has what is
 * in no segment yet.
 */
export const LABELS = 'index-labels'
export const SEGMENTS = 'index-segments'
export const TAIL = 'index-tail'
/** Among the labels: the name of the index, which is another one when it is built again. Without it there is no index. */
export const NAME = 'name'

/** A stretch of the log whose postings stand together, by label. */
export interface Segment {
  readonly number: number
  readonly first: MessageId
  readonly last: MessageId
  /** The event times of those that are not late, in ms. None are there where the one is behind the other. */
  readonly earliest: number
  readonly latest: number
}

export function labelId(number: number): string {
  return `label:${String(number).padStart(9, '0')}`
}

export function labelNumberIn(id: string): number {
  return Number(id.slice(id.indexOf(':') + 1))
}

/** A label as a text: an event type with a key or none. */
export function labelText({ eventType, key }: EntryLabel): string {
  return JSON.stringify(key === undefined ? [eventType] : [eventType, key])
}

export function labelIn(text: string): EntryLabel {
  const [eventType, key] = JSON.parse(text) as [string, string?]
  return key === undefined ? { eventType } : { eventType, key }
}

const SEGMENT_PREFIX = 'segment:'

export function segmentId({ number }: Pick<Segment, 'number'>): string {
  return `${SEGMENT_PREFIX}${String(number).padStart(9, '0')}`
}

export function segmentWrite(segment: Segment): Write {
  const { number, ...others } = segment
  return { collection: SEGMENTS, id: segmentId({ number }), value: JSON.stringify(others), expected: 0 }
}

export function segmentIn({ id, value }: { readonly id: string; readonly value: string }): Segment {
  return { number: Number(id.slice(SEGMENT_PREFIX.length)), ...JSON.parse(value) }
}

/** The number of entries in one document of the tail. */
const BLOCK = 2_000

function blockId(number: number): string {
  return `block:${String(number).padStart(3, '0')}`
}

/** Writes a tail over one that has its first `known` entries. */
export function tailWrites(tail: readonly LabelledPosting[], known: number): Write[] {
  const writes: Write[] = []
  for (let block = Math.floor(known / BLOCK); block * BLOCK < tail.length; block++) {
    const value = encodeLabelled(tail.slice(block * BLOCK, (block + 1) * BLOCK))
    writes.push({ collection: TAIL, id: blockId(block), value })
  }
  return writes
}

/** Removes a tail of `count` entries. */
export function tailRemovals(count: number): Write[] {
  const blocks = Math.ceil(count / BLOCK)
  return Array.from({ length: blocks }, (_, block) => ({ collection: TAIL, id: blockId(block), value: null }))
}

/**
 * Hands each posting of a tail whose label is wanted to `take`, in log order, with the number of its label. `blocks`: the values of the documents of
 * the tail, in their order.
 */
export function eachInTail(
  blocks: readonly string[],
  isWanted: (label: number) => boolean,
  take: (posting: Posting, label: number) => void
): void {
  for (const block of blocks) decodeLabelled(block, isWanted, take)
}
