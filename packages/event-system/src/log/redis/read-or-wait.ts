import type { Delivery } from '../port.ts'
import type { Doorbell } from './doorbell.ts'

/** What a group hands out at once, or once there is something, within `waitMs`. Nothing when the time is up or the signal is aborted. */
export async function readOrWait(
  doorbell: Doorbell,
  readNew: () => Promise<Delivery[]>,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal | undefined }
): Promise<Delivery[]> {
  const deadline = performance.now() + waitMs
  const found = await readNew()
  if (found.length > 0 || waitMs <= 0) return found
  for (;;) {
    if (signal?.aborted) return []
    const [newest, deliveries] = await Promise.all([doorbell.newest(), readNew()])
    const leftMs = deadline - performance.now()
    if (deliveries.length > 0 || leftMs <= 0) return deliveries
    await doorbell.wait(newest, leftMs, signal)
  }
}
