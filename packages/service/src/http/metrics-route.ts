import Type from 'typebox'
import type { ServiceConfiguration } from '../configuration.ts'
import type { App } from './context.ts'
import type { Metrics } from './metrics.ts'
import { problemResponses } from './problems.ts'

export function metricsRoute(app: App, metrics: Metrics, { access }: ServiceConfiguration): void {
  app.get(
    '/metrics',
    {
      config: { access: access.metricsPublic ? 'anybody' : { scope: 'metrics' }, audit: 'nothing' },
      schema: {
        operationId: 'getMetrics',
        tags: ['monitor'],
        summary: 'What Prometheus scrapes',
        response: {
          200: { description: 'Prometheus text.', content: { 'text/plain': { schema: Type.String() } } },
          ...problemResponses
        }
      }
    },
    async (_request, reply) =>
      reply
        .type(metrics.registry.contentType)
        .serializer(String)
        .send(await metrics.registry.metrics())
  )
}
