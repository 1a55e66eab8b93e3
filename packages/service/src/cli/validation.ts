import { type Environment, EnvironmentReader } from '@tradpal/event-system'
import { VALIDATIONS, type Validation } from '@tradpal/events'
import { systemOptions } from '../system-options.ts'

/**
 * How the command line checks the data of the events that it publishes: as the service does, by EVENT_VALIDATION, since other
 * services made them. Throws `invalid_options`.
 */
export function commandLineValidation(env: Environment): Validation {
  const read = new EnvironmentReader(env)
  const { validation } = systemOptions(env)
  const level = read.choice('validation', validation, 'EVENT_VALIDATION', VALIDATIONS)
  read.finish()
  return level
}
