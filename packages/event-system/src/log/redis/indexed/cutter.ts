import type { Log, Storage } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { collectionKeys, type LogKeys, lateKey, segmentKey } from '../keys.ts'
import { compareKnownIds } from '../message-id.ts'
import { runScript } from '../scripts.ts'
import { LABELS, SEGMENTS, segmentIn } from './documents.ts'
import { bySet, LATE, lateIn } from './late.ts'

/** The number of segments that one step looks at, and of late entries that it removes. The server does nothing else meanwhile. */
const STEP = 250

export interface CutterParts {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly storage: Pick<Storage, 'collections' | 'commit'>
  readonly log: Pick<Log, 'bounds'>
}

/**
 * Removes from an index the segments whose entries are all gone from the log. It needs no lease: such a segment is never written again. The last one
 * stays, since its number tells that of the next. A crash leaves a segment with a document and nothing else, of which no entry is there.
 */
export class IndexCutter {
  readonly #parts: CutterParts

  constructor(parts: CutterParts) {
    this.#parts = parts
  }

  async cut(): Promise<void> {
    const { connection, keys, storage, log } = this.#parts
    const [labels] = collectionKeys(keys, LABELS)
    const [{ first }, name] = await Promise.all([
      log.bounds(),
      connection.read<string | null>(['HGET', labels, 'name'])
    ])
    if (name === null) return
    for (;;) {
      const documents = await storage.collections.list(SEGMENTS, { prefix: 'segment:', limit: STEP + 1 })
      const trimmed = documents
        .slice(0, -1)
        .filter((document) => first === null || compareKnownIds(segmentIn(document).last, first) < 0)
      for (const { id, value, revision } of trimmed) {
        if (!(await this.#drop(name, segmentIn({ id, value }).number))) return
        await storage.commit([{ write: [{ collection: SEGMENTS, id, value: null, expected: revision }] }])
      }
      if (trimmed.length < STEP) return
    }
  }

  /** Resolves to false where there is another index by now. */
  async #drop(name: string, number: number): Promise<boolean> {
    const { connection, keys } = this.#parts
    const segment = segmentKey(keys, number)
    const late = lateIn((await connection.read<string | null>(['HGET', segment, LATE])) ?? '')
    const [labels] = collectionKeys(keys, LABELS)
    for (let from = 0; from < late.length; from += STEP) {
      const some = bySet(late.slice(from, from + STEP))
      const sets = some.map(([label]) => lateKey(keys, label))
      const args = some.flatMap(([, places]) => [String(places.length), ...places.map(({ place }) => place)])
      if ((await runScript<number>(connection, 'removeLate', [labels, ...sets], [name, ...args])) === 0) return false
    }
    return (await runScript<number>(connection, 'dropSegment', [labels, segment], [name])) === 1
  }
}
