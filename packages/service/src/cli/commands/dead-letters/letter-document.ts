import type * as Api from '@tradpal/event-api'
import type { DeadLetter } from '@tradpal/event-client'
import { formatTimestamp } from '@tradpal/events'

/** A letter in the words of the service's answers. */
export function letterDocument({
  messageId,
  eventType,
  firstError,
  lastError,
  deadAt,
  ...letter
}: DeadLetter): Api.DeadLetter {
  const { id, group, consumer, handler, kind, attempts, requeues, amended, fingerprint, payload, raw } = letter
  return {
    id,
    message_id: messageId,
    group,
    consumer,
    handler,
    event_type: eventType,
    kind,
    reason: lastError.message,
    attempts,
    requeues,
    amended,
    fingerprint,
    first_error: errorDocument(firstError),
    last_error: errorDocument(lastError),
    dead_at: formatTimestamp(deadAt),
    payload,
    ...(raw === undefined ? {} : { raw })
  }
}

function errorDocument({ at, ...error }: DeadLetter['lastError']): Api.HandlingError {
  return { ...error, at: formatTimestamp(at) }
}
