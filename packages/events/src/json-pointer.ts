/** The JSON pointer (RFC 6901) of a key or an index below another. */
export function below(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The keys of a JSON pointer, outermost first. */
export function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A JSON pointer as people write a path: `/data/fills/0/price` is `data.fills[0].price`. */
export function pathOf(pointer: string): string {
  return keysOf(pointer)
    .map((key, i) => (/^\d+$/.test(key) ? `[${key}]` : i === 0 ? key : `.${key}`))
    .join('')
}
