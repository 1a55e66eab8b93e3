/** Which methods a path has. The router tells only whether a path has one. */
export class MethodTable {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []

  add(url: string, methods: readonly string[]): void {
    const pattern = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')
    this.#routes.push({ pattern: new RegExp(`^${pattern}/?$`), methods })
  }

  of(path: string): string[] {
    return [
      ...new Set(this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))
    ].sort()
  }
}
