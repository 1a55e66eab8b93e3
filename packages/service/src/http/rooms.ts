import { closed } from '@tradpal/event-api'
import { auditRoutes } from './audit.ts'
import type { App, AppContext } from './context.ts'
import { convenienceRoutes } from './convenience-routes.ts'
import { deadLetterRoutes } from './dead-letters.ts'
import { batchRoute, eventsRoutes } from './events-routes.ts'
import { groupRoutes } from './groups.ts'
import { healthRoute } from './health.ts'
import { keyRoutes } from './keys.ts'
import { lineageRoute } from './lineage.ts'
import { pullingRoutes } from './pulling.ts'
import { queryRoutes } from './query-routes.ts'
import { ratesRoute } from './rates.ts'
import { replayRoute } from './replay.ts'
import { settlingRoutes } from './settling.ts'
import { statsRoute } from './stats.ts'
import { streamRoute } from './stream.ts'
import { streamEventsRoute } from './stream-events.ts'
import { trimmingRoute } from './trimming.ts'

/** How requests are checked. Fastify would drop unknown query parameters in silence: they are refused. */
export const AJV_OPTIONS = {
  removeAdditional: false,
  coerceTypes: 'array',
  useDefaults: true,
  allErrors: false
} as const

const ROOMS = [
  queryRoutes,
  lineageRoute,
  streamRoute,
  streamEventsRoute,
  replayRoute,
  statsRoute,
  ratesRoute,
  trimmingRoute,
  groupRoutes,
  pullingRoutes,
  settlingRoutes,
  deadLetterRoutes,
  keyRoutes,
  auditRoutes,
  healthRoute
]

/** Of an endpoint that takes no query: every parameter is refused. */
const NO_QUERY = closed({})

const PUBLISHING = [eventsRoutes, convenienceRoutes]

export interface RoomsOptions {
  /** Adds further endpoints. Default: none. */
  readonly more?: (api: App) => void
  /** Adds what stands before the endpoints that publish. Default: nothing. */
  readonly beforePublishing?: (publishing: App) => Promise<void>
}

/** Adds the endpoints of an event system: all that a client can ask of it. */
export async function addRooms(
  app: App,
  context: AppContext,
  { more = () => {}, beforePublishing = async () => {} }: RoomsOptions = {}
): Promise<void> {
  await app.register(async (api: App) => {
    api.addHook('onRoute', (route) => {
      route.schema = { querystring: NO_QUERY, ...route.schema }
    })
    more(api)
    for (const room of ROOMS) room(api, context)
    await api.register(async (publishing: App) => {
      await beforePublishing(publishing)
      for (const room of PUBLISHING) room(publishing, context)
      await publishing.register(async (batch: App) => batchRoute(batch, context))
    })
  })
}
