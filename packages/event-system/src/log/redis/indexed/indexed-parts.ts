import type { Cursors, MessageId, RateRange, Storage, TrimOptions } from '../../port.ts'
import { ratesOf, Tally } from '../../rates.ts'
import type { Connection } from '../connection.ts'
import { EntryReader } from '../entry-reader.ts'
import type { LogKeys } from '../keys.ts'
import { LAST_MESSAGE_ID } from '../message-id.ts'
import type { StreamParts } from '../redis-log.ts'
import { IndexCutter } from './cutter.ts'
import { IndexedReader } from './indexed-reader.ts'
import { INDEX } from './lease.ts'
import type { IndexOptions } from './options.ts'
import { Scan } from './scan.ts'
import { untilIndexed } from './until-indexed.ts'

export interface IndexedContext {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly storage: { readonly cursors: Pick<Cursors, 'positions'> } & Pick<Storage, 'collections' | 'commit'>
  readonly labelsOf: IndexOptions['labelsOf']
}

/** The parts of a log in one stream that has an index: reads use the index, entries are counted, and a trim cuts the index too. */
export function indexedParts(parts: StreamParts, { connection, keys, storage, labelsOf }: IndexedContext): StreamParts {
  const cutter = new IndexCutter({ connection, keys, storage, log: parts.measures })
  const scan = new Scan(new EntryReader(connection, keys.stream), labelsOf)

  async function indexedTo(): Promise<MessageId> {
    const [position] = await storage.cursors.positions([INDEX])
    return position ?? '0-0'
  }

  /** The counts of entries that the index has not taken in yet. */
  async function uncounted(): Promise<Tally> {
    const tally = new Tally(Date.now())
    const range = { direction: 'forward', behind: await indexedTo(), last: LAST_MESSAGE_ID } as const
    for await (const { entry, label } of scan.entries({}, range)) tally.add(label.eventType, entry.appendedAt)
    return tally
  }

  /** Waits until the entries that are there are counted, unless the index is far behind. */
  async function counted({ dryRun = false }: TrimOptions): Promise<void> {
    if (!dryRun) await untilIndexed(parts.measures, indexedTo)
  }

  return {
    ...parts,
    reader: new IndexedReader(connection, keys, storage.collections, labelsOf),
    trimmer: {
      async trim(target, options = {}) {
        await counted(options)
        const result = await parts.trimmer.trim(target, options)
        if (options.dryRun !== true) await cutter.cut()
        return result
      },
      async remove(messageIds, options = {}) {
        await counted(options)
        return parts.trimmer.remove(messageIds, options)
      }
    },
    rates: (range: RateRange) => ratesOf(storage.collections, uncounted, range)
  }
}
