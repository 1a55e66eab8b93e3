import { keysOf } from './json-pointer.ts'
import { isJsonObject } from './json-value.ts'

/**
 * The first `$ref` of a JSON Schema that leads nowhere: to a place that it has not, or to another document, which nobody
 * fetches. `undefined` when all lead somewhere.
 */
export function unresolvedReference(schema: object): string | undefined {
  const anchors = new Set<string>()
  const references: string[] = []
  gather(schema, anchors, references)
  return references.find((reference) => !leadsSomewhere(reference, schema, anchors))
}

function gather(value: unknown, anchors: Set<string>, references: string[]): void {
  if (Array.isArray(value)) for (const item of value) gather(item, anchors, references)
  if (!isJsonObject(value)) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') references.push(inner)
    else if ((key === '$anchor' || key === '$dynamicAnchor') && typeof inner === 'string') anchors.add(`#${inner}`)
    else if (key === '$id' && typeof inner === 'string') anchors.add(inner)
    else if (key !== 'const' && key !== 'enum' && key !== 'default' && key !== 'examples')
      gather(inner, anchors, references)
  }
}

function leadsSomewhere(reference: string, schema: object, anchors: ReadonlySet<string>): boolean {
  if (reference === '#' || anchors.has(reference)) return true
  if (!reference.startsWith('#/')) return false
  let place: unknown = schema
  for (const key of keysOf(decodeURIComponent(reference.slice(1)))) {
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) return false
    place = (place as Record<string, unknown>)[key]
  }
  return true
}
