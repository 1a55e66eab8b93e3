import assert from 'node:assert/strict'
import { type ErrorCode, EventSystemError } from '@tradpal/events'

/** How long a case waits for what must come about, in ms: far longer than any log takes, so that only a broken one fails. */
export const PATIENCE_MS = 30_000

/** Rejects with an `AssertionError` unless `call` rejects with an error of one of these codes; resolves to the error. */
export async function rejectsWith(call: () => unknown, ...codes: ErrorCode[]): Promise<EventSystemError> {
  try {
    await call()
  } catch (error) {
    assert.ok(error instanceof EventSystemError, `an EventSystemError was due, not ${String(error)}`)
    assert.ok(
      codes.includes(error.code),
      `the code was to be ${codes.join(' or ')}, not ${error.code}: ${error.message}`
    )
    return error
  }
  assert.fail(`was to reject with ${codes.join(' or ')}`)
}

type Truthy<Value> = Exclude<Value, false | 0 | '' | null | undefined>

/** Resolves to what `condition` resolves to as soon as that is truthy; rejects when it has not become so in time. */
export async function eventually<Result>(
  what: string,
  condition: () => Result | Promise<Result>
): Promise<Truthy<Result>> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const result = await condition()
    if (result) return result as Truthy<Result>
    assert.ok(performance.now() < deadline, `${what} did not come about within ${PATIENCE_MS} ms`)
    await pause(5)
  }
}

/** Resolves to what the promise does; rejects when that takes longer than `ms`. */
export async function within<Result>(ms: number, what: string, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} took longer than ${ms} ms` })), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
