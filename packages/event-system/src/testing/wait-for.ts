type Truthy<Value> = Exclude<Value, false | 0 | 0n | '' | null | undefined>

/**
 * Resolves to what `condition` returns as soon as that is truthy; what it throws counts as not yet. Rejects after `timeoutMs` (default 5,000), also when `condition` does not answer, with the last error, or
 * with `what` did not come about.
 */
export async function waitFor<Result>(
  condition: () => Result | Promise<Result>,
  { timeoutMs = 5_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {}
): Promise<Truthy<Result>> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(() => late.resolve(), timeoutMs)
  const deadline = performance.now() + timeoutMs
  let lastError: unknown
  try {
    do {
      try {
        const result = await Promise.race([condition(), late.promise])
        if (result) return result as Truthy<Result>
        if (performance.now() < deadline) lastError = undefined
      } catch (error) {
        lastError = error
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    } while (performance.now() < deadline)
  } finally {
    clearTimeout(timer)
  }
  throw lastError ?? new Error(`${what} did not come about within ${timeoutMs} ms`)
}
