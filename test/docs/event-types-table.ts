import { eventSchemas } from '@tradpal/events'

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

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
