import { get } from '../support/test-service.ts'

/** An endpoint as the API's description has it. */
export interface Endpoint {
  readonly method: string
  /** With `x` for each parameter. */
  readonly path: string
  /** Undefined: it says nothing of who may call it. */
  readonly security: readonly object[] | undefined
  /** As `x-scope` says it: `publish:<…>`, `consume:{group} or admin:groups`. Undefined: whoever is known. */
  readonly scope: string | undefined
}

/** Every endpoint that a service describes. */
export async function endpointsOf(url: string, headers: Record<string, string>): Promise<Endpoint[]> {
  const { body } = await get(`${url}/openapi.json`, { headers })
  return Object.entries(body.paths as Record<string, Record<string, Record<string, unknown>>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'x'),
      security: operation.security as readonly object[] | undefined,
      scope: operation['x-scope'] as string | undefined
    }))
  )
}

/** A scope that lets call an endpoint, and no other that it names. */
export function scopeFor({ scope = 'stats' }: Endpoint): string {
  return (scope.split(' or ')[0] ?? '').replace('<…>', '*').replace(/\{\w+\}/, 'x')
}

/** The status with which a service answers a call. A stream is not waited for. */
export async function statusOf(
  url: string,
  { method, path }: Endpoint,
  headers: Record<string, string>
): Promise<number> {
  const withBody = method === 'POST' || method === 'DELETE'
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...headers, ...(withBody ? { 'content-type': 'application/json' } : {}) },
    ...(withBody ? { body: '{}' } : {})
  })
  await response.body?.cancel()
  return response.status
}
