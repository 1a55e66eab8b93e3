/** A JSON value, as it stands in an event's data and metadata. An integer beyond ±(2^53 - 1) is a bigint, any other number a number. */
export type JsonValue = string | number | bigint | boolean | null | readonly JsonValue[] | JsonObject

/** An object of JSON values. A key whose value is `undefined` counts as absent to the types, and is refused when an event is written. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined }

/** Whether a value is an object that is no array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether two JSON values are equal, whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}

/** A value as an error's sentence shows it: short, and never a whole document. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'string') return JSON.stringify(shortened(value))
  return typeof value === 'function' ? 'a function' : shortened(String(value))
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
