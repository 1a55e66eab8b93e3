import { EventSystemError } from '@tradpal/events'
import type { Checkpoint, MessageId } from '../../port.ts'
import { compareKnownIds, mustBeMessageId } from '../message-id.ts'

/**
 * Ids and positions of a log with a stream for each event type. An entry of partition 0, the plain stream, has its id in the stream
 * as its message id. One of another partition has a point and the number of the partition behind that. A checkpoint is message ids, one for each
 * partition, in the order of the partitions, with commas between. It begins with that of partition 0. A partition of which nothing is passed is left
 * out, but for partition 0, which has `0-0` then.
 */

/** Before everything. */
export const NOTHING = '0-0'

/** The place of an entry. */
export interface Place {
  readonly partition: number
  /** In the stream of the partition. */
  readonly id: string
}

/** For each partition the last id that is passed, or {@link NOTHING}. */
export type Vector = readonly string[]

const PARTITION = /^[1-9]\d{0,6}$/

/** Throws `invalid_message_id`. */
export function placeOf(messageId: MessageId): Place {
  const text = String(messageId)
  const point = text.indexOf('.')
  if (point < 0) return { partition: 0, id: mustBeMessageId(messageId) }
  const number = text.slice(point + 1)
  if (!PARTITION.test(number)) throw noMessageId(text)
  return { partition: Number(number), id: mustBeMessageId(text.slice(0, point)) }
}

export function messageIdAt(partition: number, id: string): MessageId {
  return partition === 0 ? id : `${id}.${partition}`
}

/** The last id that a checkpoint has passed in each partition. Throws `invalid_message_id`. */
export function vectorOf(checkpoint: Checkpoint): string[] {
  const [first = '', ...others] = String(checkpoint).split(',')
  const { partition, id } = placeOf(first)
  if (partition !== 0) throw noPosition(checkpoint)
  const vector = [id]
  for (const text of others) {
    const place = placeOf(text)
    if (place.partition < vector.length || place.id === NOTHING) throw noPosition(checkpoint)
    while (vector.length < place.partition) vector.push(NOTHING)
    vector.push(place.id)
  }
  return vector
}

export function checkpointOf(vector: Vector): Checkpoint {
  let text = vector[0] ?? NOTHING
  for (let partition = 1; partition < vector.length; partition += 1) {
    const id = vector[partition] ?? NOTHING
    if (id !== NOTHING) text += `,${id}.${partition}`
  }
  return text
}

/** As `Log.compare`. */
export function compareCheckpoints(a: Checkpoint, b: Checkpoint): number | undefined {
  const [ofA, ofB] = [loneOf(a), loneOf(b)]
  if (ofA !== undefined && ofB !== undefined) {
    return ofA.partition === ofB.partition ? compareKnownIds(ofA.id, ofB.id) : undefined
  }
  if (ofA !== undefined) return compareKnownIds(ofA.id, vectorOf(b)[ofA.partition] ?? NOTHING)
  if (ofB !== undefined) return compareKnownIds(vectorOf(a)[ofB.partition] ?? NOTHING, ofB.id)
  return compareVectors(vectorOf(a), vectorOf(b))
}

/** As `Log.advance`. */
export function advanced(checkpoint: Checkpoint, messageId: MessageId): Checkpoint {
  const { partition, id } = placeOf(messageId)
  const vector = vectorOf(checkpoint)
  vector[partition] = id
  return checkpointOf(vector)
}

/** The id of an entry that is no checkpoint by itself. */
function loneOf(text: Checkpoint): Place | undefined {
  const isLone = String(text).includes('.') && !text.includes(',')
  return isLone ? placeOf(text) : undefined
}

function compareVectors(a: Vector, b: Vector): number | undefined {
  let order = 0
  for (let partition = 0; partition < Math.max(a.length, b.length); partition += 1) {
    const one = compareKnownIds(a[partition] ?? NOTHING, b[partition] ?? NOTHING)
    if (one === 0) continue
    if (order !== 0 && order < 0 !== one < 0) return undefined
    order = one
  }
  return order
}

function noMessageId(text: string): EventSystemError {
  const sentence = `${JSON.stringify(text)} is no message id; one looks like 1764057600000-0.3.`
  return new EventSystemError('invalid_message_id', sentence)
}

function noPosition(text: string): EventSystemError {
  const sentence = `${JSON.stringify(text)} is no position. The log has a stream for each event type, and a message id stands in one of them only: give the position of an answer, a page or a frame.`
  return new EventSystemError('invalid_message_id', sentence)
}
