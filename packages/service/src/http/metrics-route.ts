import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'

export function metricsRoute(app: App, { metrics, configuration }: AppContext): void {
  app.get(
    '/metrics',
    {
      config: { access: configuration.access.metricsPublic ? 'anybody' : { scope: 'metrics' }, audit: 'nothing' },
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
