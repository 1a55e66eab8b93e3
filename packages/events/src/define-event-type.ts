import type { XStatic } from 'typebox/schema'
import type { DefinedEventType } from './event-type-names.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { type EventTypeDefinition, registerEventType } from './registry.ts'

/** What a JSON Schema allows. What it leaves open is any JSON. */
export type DataOf<Schema> = ObjectIn<XStatic<Schema>>

type ObjectIn<Data> = unknown extends Data
  ? JsonObject
  : keyof Data extends never
    ? JsonObject
    : { readonly [Name in keyof Data]: ValueIn<Data[Name]> }

type ValueIn<Value> = unknown extends Value
  ? JsonValue
  : Value extends string | number | boolean | null | undefined
    ? Value
    : // An array of anything, which is `{}` here, takes a text; an object of anything does not.
      string extends Value
      ? readonly JsonValue[]
      : keyof Value extends never
        ? JsonObject
        : { readonly [Key in keyof Value]: ValueIn<Value[Key]> }

/**
 * Registers a type as {@link registerEventType} does, with the same errors, and returns its name, of which the compiler
 * knows the data: `createEvent`, handlers and queries take the name and have the data typed. The schema is written as a
 * literal, so that its type says what it allows.
 *
 *     const orderAmended = defineEventType({
 *       name: 'order_amended',
 *       schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } }
 *     })
 *     createEvent(orderAmended, { order_id: 'A-17' })
 */
export function defineEventType<const Name extends string, const Schema extends object>(
  definition: EventTypeDefinition & { readonly name: Name; readonly schema: Schema }
): DefinedEventType<Name, DataOf<Schema>> {
  registerEventType(definition)
  return definition.name as DefinedEventType<Name, DataOf<Schema>>
}
