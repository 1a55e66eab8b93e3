import { HealthReport } from '@tradpal/event-api'
import { formatTimestamp, type PublisherState } from '@tradpal/event-system'
import { isKnown, maySeeAllFigures } from '@tradpal/event-system/access'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { spoolOf } from './spool-state.ts'
import { asItIs } from './wire-event.ts'

/** 503 only when the log cannot be reached: a degraded service still does its work. */
export function healthRoute(app: App, { system, access, version, startedAtMs, lasting }: AppContext): void {
  app.get(
    '/health',
    {
      ...asItIs,
      config: { access: 'anybody', audit: 'nothing' },
      schema: {
        operationId: 'getHealth',
        tags: ['monitor'],
        summary: 'How the service is',
        description:
          '503 when it is unhealthy, which is when the log cannot be reached. Where credentials are asked for, the details are for who shows some.',
        response: { 200: HealthReport, ...problemResponses, 503: HealthReport }
      }
    },
    async ({ principal }, reply) => {
      const { status, reasons, groupReasons, warnings, log, consumers, publishing } = await system.healthCheck()
      const { kind, location, reachable, latencyMs, reason } = log
      reply.code(status === 'unhealthy' ? 503 : 200)
      if (!isKnown(principal))
        return { status, timestamp: formatTimestamp(Date.now()), service: 'event_service' as const }
      return {
        status,
        reasons: maySeeAllFigures(principal) ? [...reasons] : withoutFigures(reasons, groupReasons),
        warnings: [...access.warnings, ...warnings],
        timestamp: formatTimestamp(Date.now()),
        service: 'event_service' as const,
        version,
        uptime_seconds: Math.round((performance.now() - startedAtMs) / 100) / 10,
        log: {
          kind,
          location,
          reachable,
          latency_ms: latencyMs === null ? null : Math.round(latencyMs * 1000) / 1000,
          ...(reason === undefined ? {} : { reason })
        },
        consumers,
        publishing: publishingOf(publishing),
        open_streams: lasting.streams
      }
    }
  )
}

const A_GROUP = 'A consumer group is beyond its bounds: who has the scope stats or admin:groups is told which.'

/** How groups stand, in one sentence, for who may not see their figures. */
function withoutFigures(reasons: readonly string[], groupReasons: readonly string[]): string[] {
  const others = reasons.filter((reason) => !groupReasons.includes(reason))
  return groupReasons.length === 0 ? others : [...others, A_GROUP]
}

function publishingOf({ isLogTaking, inFlight, spool: waiting }: PublisherState) {
  const state = { log_takes: isLogTaking, in_flight: inFlight.events, in_flight_bytes: inFlight.bytes }
  if (waiting === undefined) return state
  return { ...state, spool: spoolOf(waiting) }
}
