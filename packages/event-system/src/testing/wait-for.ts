/**
 * Resolves to what `condition` returns as soon as that is truthy; an `AssertionError` or any other error that it throws counts
 * as not yet. Rejects after `timeoutMs` (default 5,000) with the last error, or with `what` did not come about.
 */
export async function waitFor<Result>(
  condition: () => Result | Promise<Result>,
  { timeoutMs = 5_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {}
): Promise<Exclude<Result, false | 0 | '' | null | undefined>> {
  const deadline = performance.now() + timeoutMs
  let lastError: unknown
  for (;;) {
    try {
      const result = await condition()
      if (result) return result as Exclude<Result, false | 0 | '' | null | undefined>
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (performance.now() > deadline) throw lastError ?? new Error(`${what} did not come about within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
