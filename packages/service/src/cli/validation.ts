import { EventSystemError, VALIDATIONS, type Validation } from '@tradpal/events'

/**
 * How the command line checks the data of the events that it publishes: as EVENT_VALIDATION says, by default `platform`, since
 * other services made them. Throws `invalid_options`.
 */
export function commandLineValidation(): Validation {
  const text = process.env.EVENT_VALIDATION || 'platform'
  const level = VALIDATIONS.find((known) => known === text)
  if (level !== undefined) return level
  const choices = VALIDATIONS.join(' or ')
  throw new EventSystemError('invalid_options', `EVENT_VALIDATION must be ${choices}, got ${JSON.stringify(text)}.`)
}
