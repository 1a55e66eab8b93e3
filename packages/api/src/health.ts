import Type, { type Static } from 'typebox'
import { SpoolState } from './spool.ts'

export const PublishingState = Type.Object(
  {
    log_takes: Type.Boolean({
      description: 'False while most appends fail: publishes are not sent to the log then.'
    }),
    in_flight: Type.Integer({ description: 'Events that wait for an answer of the log.' }),
    in_flight_bytes: Type.Integer(),
    spool: Type.Optional(SpoolState)
  },
  { title: 'PublishingState', description: 'How publishing stands.' }
)
export type PublishingState = Static<typeof PublishingState>

export const LogState = Type.Object(
  {
    kind: Type.String(),
    location: Type.String(),
    reachable: Type.Boolean(),
    latency_ms: Type.Union([Type.Number(), Type.Null()], { description: 'How long it took to answer.' }),
    reason: Type.Optional(Type.String({ description: 'Why it is not reachable.' }))
  },
  { title: 'LogState', description: 'Which log it is, and whether it answers.' }
)
export type LogState = Static<typeof LogState>

const details = Type.Partial(
  Type.Object({
    reasons: Type.Array(Type.String(), { description: 'A sentence for each thing that is not as it should be.' }),
    warnings: Type.Array(Type.String(), {
      description:
        'A sentence for each thing in the way in which the log is kept that may lose events, and in which the service is open to strangers.'
    }),
    version: Type.String(),
    uptime_seconds: Type.Number(),
    log: LogState,
    consumers: Type.Integer({ description: 'Consumers in this process.' }),
    publishing: PublishingState,
    open_streams: Type.Integer({ description: 'Readers of GET /events/stream.' })
  })
)

export const HealthReport = Type.Object(
  {
    status: Type.Union([Type.Literal('healthy'), Type.Literal('degraded'), Type.Literal('unhealthy')]),
    timestamp: Type.String(),
    service: Type.Literal('event_service'),
    ...details.properties
  },
  { title: 'HealthReport', description: 'How the service is. A caller who is not known gets the first three fields.' }
)
export type HealthReport = Static<typeof HealthReport>
