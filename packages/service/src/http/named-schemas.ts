type Value = unknown
type Parts = Readonly<Record<string, Value>>

/** A value stands below these keywords, and no schema. */
const VALUES: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'example', 'examples'])

/**
 * A description of the API with each schema that has a title, once, as a component under that name, and a reference to the component
 * wherever the schema was. A component has no examples: they stand beside the bodies that they are examples of.
 */
export function nameSchemas<Document extends { readonly paths?: object; readonly components?: object }>(
  document: Document
): Document {
  const schemas = new Map<string, Value>()
  const paths = named(document.paths ?? {}, schemas)
  const inOrder = [...schemas].sort(([one], [other]) => (one < other ? -1 : 1))
  return { ...document, paths, components: { ...document.components, schemas: Object.fromEntries(inOrder) } }
}

function named(value: Value, schemas: Map<string, Value>): Value {
  if (Array.isArray(value)) return value.map((item) => named(item, schemas))
  if (typeof value !== 'object' || value === null) return value
  const parts: Parts = Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, VALUES.has(key) ? part : named(part, schemas)])
  )
  const { title, examples: _, ...schema } = parts
  // A schema may have a property of the name `title`: that is a schema itself.
  if (typeof title !== 'string') return parts
  schemas.set(title, schema)
  return { $ref: `#/components/schemas/${title}` }
}
