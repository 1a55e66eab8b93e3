import type { Collections, Document } from '../log/index.ts'
import { behindAllOf, DEAD_LETTERS, groupIn, prefixOf, uuidIn } from './ids.ts'

/** The groups that have dead letters: of each one document is read. */
export async function groupsWithDeadLetters(collections: Collections): Promise<string[]> {
  const groups: string[] = []
  let after: string | undefined
  for (;;) {
    const [first] = await collections.list(DEAD_LETTERS, { limit: 1, ...(after !== undefined && { after }) })
    if (first === undefined) return groups
    groups.push(groupIn(first.id))
    after = behindAllOf(first.id)
  }
}

/** The dead letters of several groups as one sequence, by their UUIDs: oldest first. */
export async function* lettersOf(
  collections: Collections,
  groups: readonly string[],
  { after, page }: { readonly after: string; readonly page: number }
): AsyncGenerator<Document, void> {
  const sources = groups.map((group) => new Source(collections, group, after, page))
  for (;;) {
    const heads = await Promise.all(sources.map((source) => source.head()))
    const [first] = heads.filter((head) => head !== undefined).sort(byUuid)
    if (first === undefined) return
    sources[heads.indexOf(first)]?.shift()
    yield first
  }
}

function byUuid(a: Document, b: Document): number {
  return uuidIn(a.id) < uuidIn(b.id) ? -1 : 1
}

/** The dead letters of one group, read page by page. */
class Source {
  readonly #collections: Collections
  readonly #prefix: string
  readonly #page: number
  #after: string
  #documents: Document[] = []
  #isAtEnd = false

  constructor(collections: Collections, group: string, after: string, page: number) {
    this.#collections = collections
    this.#prefix = prefixOf(group)
    this.#page = page
    this.#after = `${this.#prefix}${after}`
  }

  async head(): Promise<Document | undefined> {
    if (this.#documents.length === 0 && !this.#isAtEnd) await this.#readOn()
    return this.#documents[0]
  }

  shift(): void {
    this.#documents.shift()
  }

  async #readOn(): Promise<void> {
    const page = { prefix: this.#prefix, after: this.#after, limit: this.#page }
    this.#documents = await this.#collections.list(DEAD_LETTERS, page)
    this.#after = this.#documents.at(-1)?.id ?? this.#after
    this.#isAtEnd = this.#documents.length < this.#page
  }
}
