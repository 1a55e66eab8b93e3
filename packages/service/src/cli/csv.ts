/** Values as one line of CSV (RFC 4180), ended. What is undefined is an empty cell; an object is its JSON. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\n`
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

/** The value at a path such as `data.symbol`. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, key) => {
    return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined
  }, value)
}
