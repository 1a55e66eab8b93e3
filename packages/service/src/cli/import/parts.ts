import { EventSystemError } from '@tradpal/events'
import { isWrongInput } from '../exit-codes.ts'

/**
 * Sends items as one unit. A unit that is too large as a whole is sent in halves. Of an item that is refused by itself
 * `onRefused` is told, which answers the items that are left to send. Rejects with any error that is about no item.
 */
export async function inParts<Item>(
  items: readonly Item[],
  send: (part: readonly Item[]) => Promise<void>,
  onRefused: (items: readonly Item[], index: number, error: EventSystemError) => readonly Item[]
): Promise<void> {
  if (items.length === 0) return
  try {
    await send(items)
  } catch (error) {
    if (!(error instanceof EventSystemError)) throw error
    const index = items.length === 1 ? 0 : error.index
    const isOfItem = isWrongInput(error.code) || (error.code === 'shredded' && error.index !== undefined)
    if (!isOfItem || (index === undefined && error.code !== 'payload_too_large')) throw error
    if (index !== undefined) return inParts(onRefused(items, index, error), send, onRefused)
    const half = Math.ceil(items.length / 2)
    await inParts(items.slice(0, half), send, onRefused)
    await inParts(items.slice(half), send, onRefused)
  }
}
