/** An endpoint as the API's description has it. */
export interface Endpoint {
  readonly method: string
  /** With `x` for each parameter. */
  readonly path: string
  /** Undefined: it says nothing of who may call it. */
  readonly security: readonly object[] | undefined
  /** As `x-scope` says it: `publish:<…>`, `consume:{group} or admin:groups`. Undefined: whoever is known. */
  readonly scope: string | undefined
  /** What its JSON body must have. */
  readonly required: readonly string[]
}

interface Operation {
  readonly security?: readonly object[]
  readonly 'x-scope'?: string
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: { readonly required?: string[] } }> }
}
type Description = { paths: Record<string, Record<string, Operation>> }

/** Every endpoint of a description. */
export function endpointsOf({ paths }: Description): Endpoint[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { security, 'x-scope': scope, requestBody }]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'x'),
      security,
      scope,
      required: requestBody?.content['application/json']?.schema?.required ?? []
    }))
  )
}

/** A scope that lets call an endpoint, and no other that it names. */
export function scopeFor({ scope = 'stats' }: Endpoint): string {
  return (scope.split(' or ')[0] ?? '').replace('<…>', '*').replace(/\{\w+\}/, 'x')
}
