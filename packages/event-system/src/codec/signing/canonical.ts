import { type Event, type JsonObject, type JsonValue, toWire } from '@tradpal/events'

/** The one JSON text of a value, whatever the order of its keys (RFC 8785): of equal values, equal texts. A bigint stands there digit by digit. */
export function canonicalJson(value: JsonValue | JsonObject | undefined): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const object = value as JsonObject
  // Sorted by their UTF-16 code units, as the RFC has it.
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`)
  return `{${members.join(',')}}`
}

/** What is signed of an event: all of it but the signature. */
export function signedText(event: Event): string {
  const { signature: _, ...metadata } = event.metadata
  return canonicalJson({ ...toWire(event), metadata } as unknown as JsonValue)
}
