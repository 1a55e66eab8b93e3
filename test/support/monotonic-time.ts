import { onTestFinished, vi } from 'vitest'

/** From now on, for this test, `performance.now()` stands where it is set, in ms since the call. */
export function monotonicTime(): (ms: number) => void {
  const start = performance.now()
  const now = vi.spyOn(performance, 'now').mockReturnValue(start)
  onTestFinished(() => now.mockRestore())
  return (ms) => now.mockReturnValue(start + ms)
}
