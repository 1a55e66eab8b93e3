import Type from 'typebox'
import type { App, AppContext } from './context.ts'

export function metricsRoute(app: App, { metrics, configuration }: AppContext): void {
  app.get(
    '/metrics',
    {
      config: { access: configuration.access.metricsPublic ? 'anybody' : { scope: 'metrics' }, audit: 'nothing' },
      schema: {
        tags: ['monitor'],
        summary: 'What Prometheus scrapes',
        response: { 200: { description: 'Prometheus text.', content: { 'text/plain': { schema: Type.String() } } } }
      }
    },
    async (_request, reply) =>
      reply
        .type(metrics.registry.contentType)
        .serializer(String)
        .send(await metrics.registry.metrics())
  )
}
