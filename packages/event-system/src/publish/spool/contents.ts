/** What is in the spool, or on its way there: how much, and of which keys. */
export class SpoolContents {
  readonly #recordsByKey = new Map<string, number>()
  #records = 0
  #events = 0
  #bytes = 0

  get isEmpty(): boolean {
    return this.#records === 0
  }

  get events(): number {
    return this.#events
  }

  /** Of the payloads, in characters. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether there is something of one of these keys. */
  holds({ keys }: Contained): boolean {
    return keys.some((key) => this.#recordsByKey.has(key))
  }

  add(record: Contained): void {
    this.#count(record, 1)
    for (const key of record.keys) this.#recordsByKey.set(key, (this.#recordsByKey.get(key) ?? 0) + 1)
  }

  remove(record: Contained): void {
    this.#count(record, -1)
    for (const key of record.keys) {
      const left = (this.#recordsByKey.get(key) ?? 0) - 1
      if (left > 0) this.#recordsByKey.set(key, left)
      else this.#recordsByKey.delete(key)
    }
  }

  #count({ entries }: Contained, sign: 1 | -1): void {
    this.#records += sign
    this.#events += sign * entries.length
    for (const { payload } of entries) this.#bytes += sign * payload.length
  }
}

export interface Contained {
  readonly entries: readonly { readonly payload: string }[]
  readonly keys: readonly string[]
}
