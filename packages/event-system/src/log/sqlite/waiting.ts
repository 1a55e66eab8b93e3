import type { GroupSurroundings } from './group-parts.ts'

/** A reader looks again after so long, in ms: what was handed back with a delay comes due without anybody's doing. */
const LOOK_AGAIN_MS = 1_000

/**
 * Asks for deliveries until there are some, the time is up, or the signal or the log ends it. `ask` resolves to undefined
 * when it is to be asked again at once.
 */
export async function waitForSome<Delivery>(
  { connection, tide, closing }: GroupSurroundings,
  { waitMs, signal }: { waitMs: number; signal?: AbortSignal },
  ask: () => Promise<Delivery[] | undefined>
): Promise<Delivery[]> {
  connection.assertOpen()
  const deadline = performance.now() + waitMs
  const stops = signal === undefined ? [closing] : [closing, signal]
  using _ = waitMs > 0 ? tide.listen() : undefined
  for (;;) {
    if (signal?.aborted) return []
    const level = waitMs > 0 ? await connection.read(() => tide.level()) : 0
    const found = await ask()
    if (found === undefined) continue
    if (found.length > 0 || performance.now() >= deadline) return found
    await tide.rise(level, stops, Math.min(LOOK_AGAIN_MS, deadline - performance.now()))
  }
}
