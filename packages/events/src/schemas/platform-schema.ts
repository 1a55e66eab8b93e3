import type { JsonObject, JsonValue } from '../json-value.ts'
import { GUARDED } from './fields.ts'

/** The schema of an object, as {@link eventSchemas} has it. */
interface WithProperties {
  readonly properties: { readonly [name: string]: JsonObject }
}

/** A guarded field of a type, and whether only a text in it is checked. */
export interface GuardedField {
  readonly name: string
  readonly schema: JsonObject
  readonly onlyText: boolean
}

/** The fields of a type that the level `platform` checks, in the order of the schema. */
export function guardedFieldsOf({ properties }: WithProperties): GuardedField[] {
  return Object.entries(properties)
    .filter(([, schema]) => schema[GUARDED] !== undefined)
    .map(([name, schema]) => ({ name, schema, onlyText: schema[GUARDED] === 'text' }))
}

/** The schema that the level `platform` applies: the guarded fields, each of which may be missing or null. */
export function platformSchemaOf(schema: WithProperties): JsonObject {
  const fields = guardedFieldsOf(schema).map(({ name, schema: field, onlyText }) => [name, lenient(field, onlyText)])
  return { type: 'object', properties: Object.fromEntries(fields) }
}

/** Every keyword of a guarded text but `type` applies to texts alone. */
function lenient({ type, ...keywords }: JsonObject, onlyText: boolean): JsonObject {
  return onlyText ? keywords : { ...keywords, type: [...new Set([type, 'null'].flat())] as JsonValue }
}
