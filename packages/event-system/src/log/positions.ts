import { formatTimePlace } from './event-time.ts'
import type { Checkpoint, Log, Page } from './port.ts'

/** The positions behind each entry of a page that was read forward, in the same order. */
export function positionsIn(log: Pick<Log, 'advance'>, { entries, from }: Page): Checkpoint[] {
  let position = from
  return entries.map(({ messageId, eventTime }) => {
    position = eventTime === undefined ? log.advance(position, messageId) : formatTimePlace({ eventTime, messageId })
    return position
  })
}
