import { RateQuery, Rates } from '@tradpal/event-api'
import { formatTimestamp } from '@tradpal/event-system'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf, typesReadBy } from './range.ts'

export function ratesRoute(app: App, { system }: AppContext): void {
  app.get(
    '/events/rates',
    {
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        operationId: 'getEventRates',
        tags: ['monitor'],
        summary: 'How many events of each type the log took, by the minute or the hour',
        description:
          'From counts that the log keeps, also of events that it has no more. A log without an index (EVENT_INDEX) answers 501.',
        querystring: RateQuery,
        response: { 200: Rates, ...problemResponses }
      }
    },
    async ({ query, principal }) => {
      const { per, start_time, end_time, event_type } = query
      const rates = await system.store.getRates({
        ...(per && { per }),
        ...(start_time !== undefined && { startTime: instantOf('start_time', start_time) }),
        ...(end_time !== undefined && { endTime: instantOf('end_time', end_time) }),
        ...typesReadBy(principal, event_type)
      })
      return { rates: rates.map(({ at, counts }) => ({ at: formatTimestamp(at), counts: { ...counts } })) }
    }
  )
}
