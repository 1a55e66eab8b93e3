import { onlyOptions } from '@tradpal/events'

type Truthy<Value> = Exclude<Value, false | 0 | 0n | '' | null | undefined>

const LATE = Symbol('late')

/**
 * Resolves to what `condition` returns as soon as that is truthy; what it throws counts as not yet. Rejects after
 * `timeoutMs` (default 20,000), also when `condition` does not answer, with the last error, or with `what` did not come about.
 */
export async function waitFor<Result>(
  condition: () => Result | Promise<Result>,
  options: { timeoutMs?: number; what?: string } = {}
): Promise<Truthy<Result>> {
  onlyOptions('waitFor()', options, { timeoutMs: true, what: true })
  const { timeoutMs = 20_000, what = 'the condition' } = options
  const late = Promise.withResolvers<typeof LATE>()
  const timer = setTimeout(() => late.resolve(LATE), timeoutMs)
  let lastError: unknown
  try {
    for (;;) {
      try {
        const result = await Promise.race([condition(), late.promise])
        if (result === LATE) break
        if (result) return result as Truthy<Result>
        lastError = undefined
      } catch (error) {
        lastError = error
      }
      const pause = new Promise((resolve) => setTimeout(resolve, 5))
      if ((await Promise.race([pause, late.promise])) === LATE) break
    }
  } finally {
    clearTimeout(timer)
  }
  throw lastError ?? new Error(`${what} did not come about within ${timeoutMs} ms`)
}
