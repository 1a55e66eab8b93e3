import type { Checkpoint, Log, Page } from './port.ts'

/** The positions behind each entry of a page that was read forward, in the same order. */
export function positionsIn(log: Pick<Log, 'advance'>, { entries, from }: Page): Checkpoint[] {
  let position = from
  return entries.map(({ messageId }) => {
    position = log.advance(position, messageId)
    return position
  })
}
