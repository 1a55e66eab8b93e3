import type { MessageId } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { collectionKeys, type LogKeys } from '../keys.ts'
import { compareKnownIds } from '../message-id.ts'
import { runScript } from '../scripts.ts'
import type { Catalogue } from './catalogue.ts'
import { LABELS, SEGMENTS, type Segment, TAIL } from './documents.ts'

/** An index at one time. */
export interface Snapshot {
  readonly name: string
  /** It has all entries up to this one. */
  readonly indexedTo: MessageId
  /** The oldest entry of the log; none when it has no entry. */
  readonly first: MessageId | undefined
  /** In log order, those that are trimmed left out. */
  readonly segments: readonly Segment[]
  /** The documents of the tail, for {@link eachInTail}. Some of their entries may be trimmed. */
  readonly tail: readonly string[]
}

type Reply = [
  indexedTo: MessageId,
  first: MessageId | '',
  name: string,
  labels: string,
  segments: string,
  tail: string[]
]

/** Reads how the index stands; `undefined` where there is none. The catalogue knows its labels and segments then. */
export async function snapshotOf(
  connection: Connection,
  keys: LogKeys,
  catalogue: Catalogue
): Promise<Snapshot | undefined> {
  const documentsOf = (collection: string) => collectionKeys(keys, collection)[0]
  const of = [keys.stream, keys.cursors, documentsOf(LABELS), documentsOf(SEGMENTS), ...collectionKeys(keys, TAIL)]
  for (;;) {
    const reply = await runScript<Reply | null>(connection, 'readIndex', of, [])
    if (reply === null) return undefined
    const [indexedTo, oldest, name, labels, segments, tail] = reply
    const state = { name, labels, segments }
    if (!catalogue.isAt(state)) {
      await catalogue.learn(state)
      continue
    }
    const first = oldest === '' ? undefined : oldest
    catalogue.forget(({ last }) => first === undefined || compareKnownIds(last, first) < 0)
    // The hash of a collection has the revision and a colon before each value.
    const blocks = tail.map((text) => text.slice(text.indexOf(':') + 1))
    return { name, indexedTo, first, segments: catalogue.segments, tail: blocks }
  }
}
