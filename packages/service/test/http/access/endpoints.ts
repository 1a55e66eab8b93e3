/** An endpoint as the API's description has it. */
export interface Endpoint {
  readonly method: string
  /** With `x` for each parameter. */
  readonly path: string
  /** Undefined: it says nothing of who may call it. */
  readonly security: readonly object[] | undefined
  /** As `x-scope` says it: `publish:<…>`, `consume:{group} or admin:groups`. Undefined: whoever is known. */
  readonly scope: string | undefined
  /** The names of what it takes in the query. */
  readonly query: readonly string[]
  /** The names of what it takes in the body, and whether that is a list. */
  readonly members: readonly string[]
  readonly takesList: boolean
}

interface Operation {
  readonly security?: readonly object[]
  readonly 'x-scope'?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: BodySchema }>> }
}

interface BodySchema {
  /** Of a component, `#/components/schemas/<name>`. */
  readonly $ref?: string
  readonly type?: string
  readonly properties?: object
}

type Description = {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, BodySchema> }
}

/** Every endpoint of a description. */
export function endpointsOf({ paths, components }: Description): Endpoint[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const { security, 'x-scope': scope, parameters = [], requestBody } = operation
      const body = requestBody?.content?.['application/json']?.schema
      const schema = body?.$ref === undefined ? body : components.schemas[body.$ref.split('/').at(-1) ?? '']
      return {
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, 'x'),
        security,
        scope,
        query: parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name),
        members: Object.keys(schema?.properties ?? {}),
        takesList: schema?.type === 'array'
      }
    })
  )
}

/** A scope that lets call an endpoint, and no other that it names. */
export function scopeFor({ scope = 'stats' }: Endpoint): string {
  return (scope.split(' or ')[0] ?? '').replace('<…>', '*').replace(/\{\w+\}/, 'x')
}
