import { eventSchemas } from '@tradpal/events'
import { guardedFieldsOf } from '../../packages/events/src/schemas/platform-schema.ts'

interface Schema {
  readonly description: string
  readonly required?: readonly string[]
  readonly properties: object
}

/** The rows of the table of event types in docs/events.md, made of the schemas. */
export function eventTypeRows(): string[] {
  return Object.entries(eventSchemas).map(([name, schema]) => {
    const { description, required: needed = [], properties } = schema as unknown as Schema
    const known = Object.keys(properties).filter((property) => !needed.includes(property))
    return `| \`${name}\` | ${description} | ${listed(needed)} | ${listed(known)} |`
  })
}

/** The rows of the table of guarded fields, made of the same. */
export function guardedFieldRows(): string[] {
  return Object.entries(eventSchemas).flatMap(([name, schema]) => {
    const fields = guardedFieldsOf(schema).map((field) => `\`${field.name}\`${field.onlyText ? ' as text' : ''}`)
    return fields.length === 0 ? [] : [`| \`${name}\` | ${fields.join(', ')} |`]
  })
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
