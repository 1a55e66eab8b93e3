import { EventSystemError, type PublishReceipt } from '@tradpal/events'
import type { MessageId } from '../log/index.ts'

/** An event whose id was published before with another type or other data. */
export interface Conflict {
  readonly eventId: string
  /** The message id of the first event with this id. */
  readonly messageId: MessageId
}

/** Where the events in conflict stand in a batch, and the receipts of all of its events. */
interface InBatch {
  readonly indexes: readonly number[]
  readonly receipts: readonly PublishReceipt[]
}

/** Event ids of a publish stand for other events in the log. Code `event_id_conflict`. */
export class EventIdConflictError extends EventSystemError {
  /** The receipts of the events of the batch that are in the log, in order. Empty where one event was published. */
  readonly published: readonly PublishReceipt[]

  /** `conflict`: the first one. */
  constructor(conflict: Conflict, batch?: InBatch) {
    const { indexes = [], receipts = [] } = batch ?? {}
    const [index] = indexes
    if (index === undefined) super('event_id_conflict', sentenceOf(conflict))
    else super('event_id_conflict', inBatch(conflict, indexes), { index, conflicts: indexes })
    this.published = receipts.filter((_, i) => !indexes.includes(i))
  }
}

/** What is wrong with an event. It says nothing of what the first event holds, which its publisher may not be allowed to read. */
export function sentenceOf({ eventId, messageId }: Conflict): string {
  return `The event id ${JSON.stringify(eventId)} was published before, as ${messageId}, with another type or other data. This event was not written: publish it with an event id of its own.`
}

function inBatch(conflict: Conflict, indexes: readonly number[]): string {
  const others = indexes.length === 1 ? '' : ` So is it with ${indexes.length - 1} more.`
  return `Event ${indexes[0]} of the batch: ${sentenceOf(conflict)}${others} Every other event of the batch is in the log.`
}
