import type { Checkpoint, Collections, Entry, MessageId, Page, Position, ReadRange } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { EntryReader } from '../entry-reader.ts'
import type { LogKeys } from '../keys.ts'
import { Catalogue } from './catalogue.ts'
import { InEventOrder } from './in-event-order.ts'
import { InLogOrder } from './in-log-order.ts'
import type { IndexOptions } from './options.ts'
import { Scan } from './scan.ts'
import { IndexRebuilt, Segments } from './segments.ts'

/** Reads a stream, and by its index where a read asks for event types, keys or the order of event times. */
export class IndexedReader {
  readonly #reader: EntryReader
  readonly #inLogOrder: InLogOrder
  readonly #inEventOrder: InEventOrder

  constructor(connection: Connection, keys: LogKeys, collections: Collections, labelsOf: IndexOptions['labelsOf']) {
    const reader = new EntryReader(connection, keys.stream)
    const catalogue = new Catalogue(collections)
    const segments = new Segments(connection, keys)
    const parts = { connection, keys, reader, catalogue, segments, scan: new Scan(reader, labelsOf) }
    this.#reader = reader
    this.#inLogOrder = new InLogOrder(parts)
    this.#inEventOrder = new InEventOrder(parts)
  }

  checkpointAt(from: Position): Promise<Checkpoint> {
    return this.#reader.checkpointAt(from)
  }

  get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#reader.get(messageIds)
  }

  async read(range: ReadRange): Promise<Page> {
    for (;;) {
      try {
        return await this.#readerOf(range).read(range)
      } catch (error) {
        if (!(error instanceof IndexRebuilt)) throw error
      }
    }
  }

  #readerOf({ time, eventTypes, keys }: ReadRange): { read(range: ReadRange): Promise<Page> } {
    if (time === 'event') return this.#inEventOrder
    return eventTypes === undefined && keys === undefined ? this.#reader : this.#inLogOrder
  }
}
