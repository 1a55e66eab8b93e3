export type JsonParts = Readonly<Record<string, unknown>>

/** The JSON object in a text, or undefined when it holds none. */
export function parseObject(text: string): JsonParts | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonParts) : undefined
  } catch {
    return undefined
  }
}
