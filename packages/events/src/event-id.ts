import { v7 } from 'uuid'

/**
 * A new event id: a UUID of version 7 (RFC 9562). It begins with the time at which it was made, in ms, and the ids of a
 * process grow, also within a millisecond and when the clock is set back. 42 of its bits are random for each id.
 */
export function newEventId(): string {
  return v7()
}
