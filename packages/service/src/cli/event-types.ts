import type { EventClient } from '@tradpal/event-client'
import { isKnownEventType, registerEventType } from '@tradpal/events'

/** The event types of a service. Those that its operator registered are made known here too: their schemas are the service's to check. */
export async function learnEventTypes(client: EventClient): Promise<string[]> {
  const names = await client.getEventTypes()
  for (const name of names) if (!isKnownEventType(name)) registerEventType({ name, schema: { type: 'object' } })
  return names
}
