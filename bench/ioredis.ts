import type { Event } from '@tradpal/event-system'
import { Redis } from 'ioredis'
import { byCallers, type Contender, type SharedWork } from './contenders.ts'
import { type RawEntry, rawEntryOf } from './logs.ts'

const STREAM = 'ioredis'
const IDS = 'ioredis-ids'

type Callers = Pick<SharedWork<Event>, 'callers' | 'made'>

/** Callers that append with ioredis and its auto-pipelining, and remember nothing: an event that comes twice stands there twice. */
export function appendByIoredis(url: string, callers: Callers): Contender {
  const client = new Redis(url, { enableAutoPipelining: true })
  return appending(client, callers, ({ payload }) => client.xadd(STREAM, '*', 'event', payload))
}

/** Callers that append with ioredis and remember the event id in one transaction, the least that deduplication takes. */
export function rememberByIoredis(url: string, callers: Callers): Contender {
  const client = new Redis(url)
  return appending(client, callers, ({ eventId, payload }) =>
    client.multi().xadd(STREAM, '*', 'event', payload).hset(IDS, eventId, '').exec()
  )
}

function appending(client: Redis, callers: Callers, append: (entry: RawEntry) => Promise<unknown>): Contender {
  return byCallers({
    ...callers,
    act: (event) => append(rawEntryOf(event)),
    close: async () => client.disconnect()
  })
}
