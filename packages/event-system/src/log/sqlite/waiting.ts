import type { Delivery } from '../port.ts'
import type { GroupParts } from './group-parts.ts'

/** A reader looks again after this time, in ms: a group that is dropped and made again meanwhile raises no tide. */
const LOOK_AGAIN_MS = 1_000

/** Asks for deliveries until there are some, the time is up, or the signal or the log ends it. */
export async function waitForSome(
  { connection, tide, closing }: GroupParts,
  { waitMs, signal }: { waitMs: number; signal?: AbortSignal },
  ask: () => Promise<Delivery[]>
): Promise<Delivery[]> {
  connection.assertOpen()
  const deadline = performance.now() + waitMs
  const stops = signal === undefined ? [closing] : [closing, signal]
  using _ = waitMs > 0 ? tide.listen() : undefined
  for (;;) {
    if (signal?.aborted) return []
    const level = waitMs > 0 ? await connection.read(() => tide.level()) : 0
    const found = await ask()
    if (found.length > 0 || performance.now() >= deadline) return found
    await tide.rise(level, stops, Math.min(LOOK_AGAIN_MS, deadline - performance.now()))
  }
}
