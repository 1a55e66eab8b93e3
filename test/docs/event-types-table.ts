import { eventSchemas } from '@tradpal/events'

/** The rows of the table of event types in docs/events.md, made of the schemas. */
export function eventTypeRows(): string[] {
  return Object.entries(eventSchemas).map(([name, { description, required, properties }]) => {
    const needed: readonly string[] = required ?? []
    const known = Object.keys(properties).filter((property) => !needed.includes(property))
    return `| \`${name}\` | ${description} | ${listed(needed)} | ${listed(known)} |`
  })
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
