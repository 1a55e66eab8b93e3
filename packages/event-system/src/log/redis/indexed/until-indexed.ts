import { setTimeout as sleep } from 'node:timers/promises'
import type { Log, MessageId } from '../../port.ts'
import { compareKnownIds } from '../message-id.ts'

/** An index that takes longer is far behind, or nobody keeps it, in ms. */
const LONGEST_MS = 1_000
/** How often the index is looked at, in ms. */
const LOOK_EVERY_MS = 10

/** Resolves when the index has what the log has now, and after a while in any case. */
export async function untilIndexed(log: Pick<Log, 'bounds'>, indexedTo: () => Promise<MessageId>): Promise<void> {
  const { last } = await log.bounds()
  const deadline = performance.now() + LONGEST_MS
  while (last !== null && compareKnownIds(await indexedTo(), last) < 0 && performance.now() < deadline) {
    await sleep(LOOK_EVERY_MS)
  }
}
