import type { Environment, EventSystemOptions } from '@tradpal/event-system'

/** The options of an event system that takes events of other services: their data are checked at the level `platform`, unless EVENT_VALIDATION says otherwise. */
export function systemOptions(environment: Environment): Pick<EventSystemOptions, 'environment' | 'validation'> {
  return environment.EVENT_VALIDATION ? { environment } : { environment, validation: 'platform' }
}
