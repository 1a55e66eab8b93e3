/** Which methods a path has. The router tells only whether a path has one. */
export class MethodTable {
  readonly #named = new Map<string, string[]>()
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []

  add(url: string, methods: readonly string[]): void {
    const pattern = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')
    this.#routes.push({ pattern: new RegExp(`^${pattern}/?$`), methods })
    if (!url.includes(':')) this.#named.set(url, [...new Set([...(this.#named.get(url) ?? []), ...methods])].sort())
  }

  /** Those of a path that a route has without a parameter. */
  named(path: string): readonly string[] {
    return this.#named.get(path.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '')) ?? []
  }

  of(path: string): string[] {
    return [
      ...new Set(this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))
    ].sort()
  }
}
