import type { JsonObject } from '../json-value.ts'

/** The JSON Schema of an object that may have further properties. */
export interface ObjectSchema {
  readonly type: 'object'
  readonly required?: readonly string[]
  readonly properties: { readonly [name: string]: JsonObject }
  readonly description: string
}

/** The schema of a property that may be missing. */
interface OptionalSchema {
  readonly optional: JsonObject
}

export function optional(schema: JsonObject): OptionalSchema {
  return { optional: schema }
}

/**
 * A schema as a plain object. A library that builds schemas would be loaded by every process that touches an event, and
 * is larger than all else here.
 */
export function object(
  properties: Readonly<Record<string, JsonObject | OptionalSchema>>,
  { description }: { description: string }
): ObjectSchema {
  const entries = Object.entries(properties)
  const required = entries.filter(([, property]) => !isOptional(property)).map(([name]) => name)
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(
      entries.map(([name, property]) => [name, isOptional(property) ? property.optional : property])
    ),
    description
  }
}

function isOptional(property: JsonObject | OptionalSchema): property is OptionalSchema {
  return 'optional' in property
}
