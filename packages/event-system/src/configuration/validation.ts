import type { Validation } from '@tradpal/events'
import type { EnvironmentReader } from './environment.ts'

const LEVELS: readonly Validation[] = ['strict', 'platform', 'off']

/** EVENT_VALIDATION: how the data of events are checked, where the option `validation` does not say. */
export function readValidation(read: EnvironmentReader, fallback: Validation, given?: Validation): Validation {
  const others = LEVELS.filter((level) => level !== fallback)
  return read.choice('validation', given, 'EVENT_VALIDATION', [fallback, ...others])
}
