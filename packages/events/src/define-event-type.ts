import type { DefinedEventType } from './event-type-names.ts'
import { type EventTypeDefinition, registerEventType } from './registry.ts'
import type { DataOf } from './schema-data.ts'

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
