import { EventSystemError, type Fault } from './errors.ts'

/** The most faults that one error lists. Looking for more would let a large value hold up all other work. */
export const MOST_FAULTS = 10

/** The refusal of a value with these faults. The message has all of their sentences, the pointer is that of the first. */
export function refusalOf(code: EventSystemError['code'], faults: readonly Fault[]): EventSystemError {
  const listed = faults.slice(0, MOST_FAULTS)
  const pointer = listed[0]?.pointer
  return new EventSystemError(code, listed.map(({ detail }) => detail).join(' '), {
    ...(pointer === undefined ? {} : { pointer }),
    ...(listed.length > 1 && { errors: listed })
  })
}

/**
 * Runs checks of the parts of one value, each of which throws for its part. Returns when none throws. Throws one error with
 * the code of the first and the faults of all, one at each pointer. No check runs after the 10th fault.
 */
export function checkAll(checks: Iterable<() => unknown>): void {
  const faults = new Map<string, Fault>()
  let first: EventSystemError | undefined
  for (const check of checks) {
    const refusal = refused(check)
    if (refusal === undefined) continue
    first ??= refusal
    for (const fault of faultsOf(refusal)) {
      if (!faults.has(fault.pointer)) faults.set(fault.pointer, fault)
    }
    if (faults.size >= MOST_FAULTS) break
  }
  if (first === undefined) return
  throw faults.size === faultsOf(first).length ? first : refusalOf(first.code, [...faults.values()])
}

/** Everything that an error says is wrong. */
export function faultsOf({ errors, message, pointer = '' }: EventSystemError): readonly Fault[] {
  return errors ?? [{ pointer, detail: message }]
}

function refused(check: () => unknown): EventSystemError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof EventSystemError) return error
    throw error
  }
}
