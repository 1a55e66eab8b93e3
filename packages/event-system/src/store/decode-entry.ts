import { type Event, EventSystemError, type StoredEvent } from '@tradpal/events'
import type { EventCodec } from '../codec/index.ts'
import type { Entry, MessageId, Storage } from '../log/index.ts'
import { diagnostics, type SkippedMessage } from '../runtime/index.ts'

/** The event of an entry, as it is stored. `undefined` for an entry that is no event, which is told on the channel of skipped messages. */
export function decodeEntry(
  { messageId, payload }: Entry,
  codec: EventCodec,
  storage: Storage
): StoredEvent | undefined {
  if (payload === null) return skip(storage, messageId, 'It has no field "event".')
  let event: Event
  try {
    event = codec.decode(payload)
  } catch (error) {
    if (error instanceof EventSystemError) return skip(storage, messageId, error.message)
    throw error
  }
  return { ...event, messageId }
}

function skip(storage: Storage, messageId: MessageId, reason: string): undefined {
  const skipped: SkippedMessage = { storage, messageId, reason }
  diagnostics.skipped.publish(skipped)
}
