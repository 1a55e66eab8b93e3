import { EventSystemError } from '@tradpal/events'
import { expect } from 'vitest'

/** Runs what must be refused and returns the error, for a test to look at its code, pointer and sentence. */
export function refusal(attempt: () => unknown): EventSystemError {
  let outcome: unknown
  try {
    outcome = attempt()
  } catch (error) {
    if (error instanceof EventSystemError) return error
    throw error
  }
  return expect.fail(`nothing was refused: ${String(outcome)}`)
}
