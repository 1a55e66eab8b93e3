import type { JsonObject, JsonValue } from '../json-value.ts'
import { GUARDED } from './fields.ts'
import type { ObjectSchema } from './object-schema.ts'

/** A guarded field of a type, and whether only a text in it is checked. */
export interface GuardedField {
  readonly name: string
  readonly schema: JsonObject
  readonly onlyText: boolean
}

/** The fields of a type that the level `platform` checks, in the order of the schema. */
export function guardedFieldsOf({ properties }: ObjectSchema): GuardedField[] {
  return Object.entries(properties)
    .filter(([, schema]) => schema[GUARDED] !== undefined)
    .map(([name, schema]) => ({ name, schema, onlyText: schema[GUARDED] === 'text' }))
}

/** The schema that the level `platform` applies: the guarded fields, each of which may be missing or null. */
export function platformSchemaOf(schema: ObjectSchema): JsonObject {
  const fields = guardedFieldsOf(schema).map(({ name, schema: field, onlyText }) => [name, lenient(field, onlyText)])
  return { type: 'object', properties: Object.fromEntries(fields) }
}

/** An `enum` applies to any value. The keywords of a guarded text that are left, and a `pattern`, apply to texts alone. */
function lenient({ type, enum: words, ...keywords }: JsonObject, onlyText: boolean): JsonObject {
  return {
    ...keywords,
    ...(Array.isArray(words) && { pattern: `^(?:${words.join('|')})$` }),
    ...(!onlyText && { type: [...new Set([type, 'null'].flat())] as JsonValue })
  }
}
