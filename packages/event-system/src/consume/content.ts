import { type Event, EventSystemError } from '@tradpal/events'
import type { EventCodec } from '../codec/index.ts'
import type { Entry, MessageId } from '../log/index.ts'
import type { Content } from './held.ts'
import { shardOfKey } from './key.ts'

/** Entries that were looked at for their shard and are not yet handed out; beyond so many they are looked at again. */
const MAX_REMEMBERED = 10_000

export interface ContentsOptions {
  readonly codec: EventCodec
  /** What must stay in order. Undefined where nothing must. */
  readonly key?: (event: Event) => string | undefined
  readonly shards: number
}

/** What entries say, read once each. */
export class Contents {
  readonly #options: ContentsOptions
  readonly #remembered = new Map<MessageId, Content>()

  constructor(options: ContentsOptions) {
    this.#options = options
  }

  of(entry: Entry): Content {
    const known = this.#remembered.get(entry.messageId)
    if (known === undefined) return this.#read(entry)
    this.#remembered.delete(entry.messageId)
    return known
  }

  /** What has no key is in order with nothing, and is spread by its message id. */
  shardOf(entry: Entry): number {
    const content = this.#read(entry)
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(entry.messageId, content)
    return shardOfKey(content.key ?? entry.messageId, this.#options.shards)
  }

  #read({ payload }: Entry): Content {
    try {
      if (payload === null) throw new EventSystemError('invalid_event', 'The entry has no field "event".')
      const event = this.#options.codec.decode(payload)
      return { event, key: this.#keyOf(event) }
    } catch (error) {
      return { event: undefined, key: undefined, error }
    }
  }

  /** Another answer than a text would be a key of its own each time: the order would be lost without a word. */
  #keyOf(event: Event): string | undefined {
    const key: unknown = this.#options.key?.(event)
    if (key === undefined || typeof key === 'string') return key
    const got = key === null ? 'null' : typeof key
    throw new EventSystemError('invalid_options', `key must return a string or undefined for each event, got ${got}.`)
  }
}
