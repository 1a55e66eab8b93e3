import type { Connection } from './connection.ts'
import type { EntryReply } from './entries.ts'
import { rewriteAll } from './rewriting.ts'
import { runScript } from './scripts.ts'

/** A text of a stream, under the id that it was given. */
export interface StreamText {
  readonly id: string
  readonly text: string
}

/**
 * A stream of texts, one an entry. An entry stays what it was added as: what was written in its place stands in a hash beside
 * the stream, by its id.
 */
export class RewritableStream {
  readonly stream: string
  readonly rewritten: string
  readonly #connection: Connection

  constructor(connection: Connection, { stream, rewritten }: Pick<RewritableStream, 'stream' | 'rewritten'>) {
    this.#connection = connection
    this.stream = stream
    this.rewritten = rewritten
  }

  async range(from: string, to: string, count: number): Promise<StreamText[]> {
    const [entries, rewritten] = await Promise.all([
      this.#connection.read<EntryReply[]>(['XRANGE', this.stream, from, to, 'COUNT', String(count)]),
      this.#connection.read<number>(['EXISTS', this.rewritten])
    ])
    const ids = entries.map(([id]) => id)
    const anew =
      rewritten === 0 || ids.length === 0
        ? []
        : await this.#connection.read<(string | null)[]>(['HMGET', this.rewritten, ...ids])
    return entries.map(([id, fields], i) => ({ id, text: anew[i] ?? (fields[1] as string) }))
  }

  async get(id: string): Promise<string | undefined> {
    return (await this.range(id, id, 1))[0]?.text
  }

  /** Writes what `change` makes of texts in their place, each in one atomic step. Resolves to how many: those are left out that it leaves as they are, and that are gone. */
  rewrite(ids: readonly string[], change: (before: StreamText) => string): Promise<number> {
    return rewriteAll(ids, {
      read: async (some) => {
        const texts = await Promise.all(some.map((id) => this.get(id)))
        return texts.flatMap((text, i) => (text === undefined ? [] : [{ id: some[i] as string, text }]))
      },
      change: (before) => {
        const to = change(before)
        return to === before.text ? undefined : [before.id, before.text, to]
      },
      write: (args) => runScript<string[]>(this.#connection, 'rewriteTexts', [this.stream, this.rewritten], args)
    })
  }
}
