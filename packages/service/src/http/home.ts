import { ServiceInfo } from '@tradpal/event-api'
import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'

const LINKS = [
  ['/docs', 'the API, to read and to try'],
  ['/openapi.json', 'the API, for programs'],
  ['/health', 'how the service is'],
  ['/events/stats', 'how the log stands'],
  ['/events?limit=10', 'the newest events'],
  ['/events/stream', 'events as they come'],
  ['/metrics', 'what Prometheus scrapes']
] as const

/** Tells a person what runs here, and a program where to go on. */
export function homeRoute(app: App, { system, version }: AppContext): void {
  const { kind, location } = system.storage
  app.get(
    '/',
    {
      config: { access: 'the known', audit: 'nothing' },
      schema: {
        operationId: 'getServiceInfo',
        tags: ['monitor'],
        summary: 'What runs here',
        response: {
          200: {
            description: 'What runs here: a page for people, a document for programs.',
            content: { 'application/json': { schema: ServiceInfo }, 'text/html': { schema: Type.String() } }
          },
          ...problemResponses
        }
      }
    },
    async ({ headers, host }, reply) => {
      reply.header('vary', 'accept')
      if (headers.accept?.includes('text/html') !== true) {
        const links = Object.fromEntries(LINKS.map(([path, what]) => [path, what]))
        return { service: 'event_service' as const, version, log: { kind, location }, links }
      }
      reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      return reply.type('text/html; charset=utf-8').send(page(version, `${kind}, ${location}`, `http://${host}`))
    }
  )
}

function page(version: string, log: string, url: string): string {
  const event = '{"event_type": "trading_signal", "source": "me", "data": {"symbol": "BTC/USDT", "signal": "BUY"}}'
  const curl = `curl ${url}/events -H 'Content-Type: application/json' -d '${event}'`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>TradPal Event Service</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
  pre { padding: 1rem; background: #8882; border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
<h1>TradPal Event Service</h1>
<p>Version ${escaped(version)} runs here. Its log: ${escaped(log)}.</p>
<ul>${LINKS.map(([path, what]) => `<li><a href=".${path}">${path}</a>: ${what}</li>`).join('')}</ul>
<p>The first event:</p>
<pre>${escaped(curl)}</pre>
</html>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
