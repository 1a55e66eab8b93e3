/** A map of at most `most` keys. A further key replaces the key that was set first. It is for keys that come from outside. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number

  constructor(most: number) {
    super()
    this.#most = most
  }

  override set(key: Key, value: Value): this {
    if (this.size >= this.#most && !this.has(key)) this.delete(this.keys().next().value as Key)
    return super.set(key, value)
  }
}
