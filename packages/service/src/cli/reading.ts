import type { EventQuery } from '@tradpal/event-client'
import type { StoredEvent } from '@tradpal/events'
import type { Service } from './service.ts'

/** As `getEvents` of the client, of any number: those of a service that are more than a page come as a replay. */
export async function getEvents(
  { client, largestPage }: Service,
  { limit, ...range }: EventQuery & { readonly limit: number }
): Promise<StoredEvent[]> {
  if (limit <= largestPage) return client.getEvents({ ...range, limit, raw: true })
  const areNewest = range.startTime === undefined && range.after === undefined
  const found: StoredEvent[] = []
  for await (const event of client.streamReplay({ ...range, raw: true })) {
    found.push(event)
    if (!areNewest && found.length === limit) break
    if (found.length > limit) found.shift()
  }
  return found
}
