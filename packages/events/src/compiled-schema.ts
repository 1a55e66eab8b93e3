import { Compile, type Validator } from 'typebox/schema'
import { isJsonObject, type JsonObject } from './json-value.ts'
import { isMultipleOf } from './multiple-of.ts'

/** Keywords of JSON Schema whose value is a schema, or a list of schemas. */
const SCHEMAS = new Set([
  'additionalItems',
  'additionalProperties',
  'allOf',
  'anyOf',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'oneOf',
  'prefixItems',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties'
])
/** Keywords whose value is an object of schemas by name. */
const NAMED_SCHEMAS = new Set([
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties'
])

/**
 * The validator of a JSON Schema that takes numbers by their value: a bigint is a number and an integer, and `multipleOf`
 * is exact. The paths of its errors are those of the schema.
 */
export function compileSchema(schema: object): Validator {
  return Compile(byValue(schema) as object)
}

/** The types that an error of the keyword `type` names, without the one that {@link compileSchema} adds. */
export function namedTypes(types: string | readonly string[]): string[] {
  return [types].flat().filter((type) => type !== 'bigint')
}

function byValue(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(byValue)
  if (!isJsonObject(schema)) return schema
  const { multipleOf, ...keywords } = Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => [keyword, keywordByValue(keyword, value)])
  )
  return typeof multipleOf === 'number' ? { ...keywords, '~refine': [refinementOf(multipleOf)] } : keywords
}

function keywordByValue(keyword: string, value: unknown): unknown {
  if (keyword === 'type') return typesByValue(value)
  if (SCHEMAS.has(keyword)) return byValue(value)
  if (!NAMED_SCHEMAS.has(keyword) || !isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, byValue(schema)]))
}

function typesByValue(types: unknown): unknown {
  const all = [types].flat()
  return all.includes('number') || all.includes('integer') ? [...all, 'bigint'] : types
}

function refinementOf(divisor: number): JsonObject {
  const refinement = {
    check: (value: unknown) =>
      !(Number.isFinite(value) || typeof value === 'bigint') || isMultipleOf(value as number | bigint, divisor),
    error: () => `must be a multiple of ${divisor}`
  }
  return refinement as unknown as JsonObject
}
