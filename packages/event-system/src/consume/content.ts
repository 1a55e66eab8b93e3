import { type Clock, type Event, EventSystemError, isRetryable, upcastIfPossible } from '@tradpal/events'
import { LRUCache } from 'lru-cache'
import { type EventCodec, prepareReading } from '../codec/index.ts'
import type { Entry, MessageId, Storage } from '../log/index.ts'
import { type Logger, Occurrences } from '../runtime/index.ts'
import type { Content } from './held.ts'
import { partitionOfKey } from './key.ts'
import { legible } from './progress.ts'

/** Entries that were looked at for their partition and are not yet handed out; beyond so many they are looked at again. */
const MAX_REMEMBERED = 10_000
/** When an entry needs a key from the log before its partition is known, those of so many behind it are brought with it. */
const AHEAD = 500
/** What waits for its key is read again within so long, in ms: a key that was not missed for longer is there. */
const MISSED_MS = 10_000

/** The number of reasons to remember. Writers of entries name the keys, so the number of keys has no bound. */
const MOST_REASONS = 1_000

export interface ContentsOptions {
  readonly storage: Storage
  readonly codec: EventCodec
  /** What must stay in order. Undefined where nothing must. */
  readonly key?: (event: Event) => string | undefined
  readonly partitions: number
  readonly logger: Logger
  readonly clock: Clock
}

/** What entries say, read once each. */
export class Contents {
  readonly #options: ContentsOptions
  readonly #remembered = new Map<MessageId, Content>()
  readonly #occurrences: Occurrences
  /** Why entries cannot be read yet, and when that was last so. */
  readonly #missed = new LRUCache<string, number>({ max: MOST_REASONS })
  /** The last whose partition was asked for before its key was brought from the log. */
  #unbrought: Entry | undefined

  constructor(options: ContentsOptions) {
    this.#options = options
    this.#occurrences = new Occurrences(options.clock)
  }

  /** Brings what entries need before they are read, in the turn that follows. Undefined where that is nothing. When the log does not answer, they wait for their keys. */
  ready(entries: readonly Entry[]): Promise<void> | undefined {
    const bringing = prepareReading(this.#options.codec, entries)
    if (bringing === undefined) return undefined
    // What was read before may be of a subject that was shredded since.
    for (const { messageId } of entries) this.#remembered.delete(messageId)
    return bringing.catch(() => {})
  }

  of(entry: Entry): Content {
    const known = this.#remembered.get(entry.messageId)
    if (known === undefined) return this.#read(entry)
    this.#remembered.delete(entry.messageId)
    return known
  }

  /** A sentence for each reason why there are entries that wait to be read. */
  get missed(): string[] {
    const horizon = this.#options.clock.now() - MISSED_MS
    return [...this.#missed.rkeys()].filter((reason) => (this.#missed.peek(reason) ?? 0) >= horizon)
  }

  /** What has no key is in order with nothing, and is spread by its message id. Throws what keeps an entry from being read yet: its key to be ordered by is not known. */
  partitionOf(entry: Entry): number {
    if (entry.payload !== null && this.#options.codec.isPrepared?.(entry.payload) === false) {
      this.#unbrought = entry
      throw new EventSystemError('key_missing', `The key of ${entry.messageId} has yet to be read from the log.`)
    }
    const content = this.#read(entry)
    const waitsFor = whyUnread(content)
    if (waitsFor !== undefined) throw waitsFor
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(entry.messageId, content)
    return partitionOfKey(content.key ?? entry.messageId, this.#options.partitions)
  }

  /** Runs a call of which {@link partitionOf} is a part; when that lacked a key of the log, brings it and those that come next, and runs it again. */
  async whileKeysComeIn<Result>(call: () => Promise<Result>): Promise<Result> {
    for (;;) {
      this.#unbrought = undefined
      try {
        return await call()
      } catch (error) {
        if (this.#unbrought === undefined) throw error
        await this.#bringFrom(this.#unbrought)
      }
    }
  }

  async #bringFrom(entry: Entry): Promise<void> {
    const { storage, codec } = this.#options
    const { entries } = await storage.log.read({ from: { time: entry.appendedAt }, limit: AHEAD })
    await prepareReading(codec, [entry, ...entries])
  }

  #read({ payload }: Entry): Content {
    try {
      if (payload === null) throw new EventSystemError('invalid_event', 'The entry has no field "event".')
      const event = this.#options.codec.decode(payload)
      return { event, key: this.#keyOf(event) }
    } catch (thrown) {
      const content = { event: undefined, key: undefined, error: legible(thrown) }
      const waitsFor = whyUnread(content)
      if (waitsFor !== undefined) this.miss(waitsFor)
      return content
    }
  }

  /** Says why something cannot be read yet: at once, and then once a minute. */
  miss(reason: EventSystemError): void {
    const { logger, clock } = this.#options
    this.#missed.set(reason.message, clock.now())
    const count = this.#occurrences.add(reason.message)
    if (count > 0)
      logger.error({ err: reason, count }, 'events cannot be read before their key is there; consuming waits for it')
  }

  /** Another answer than a text would be a key of its own each time: the order would be lost without a word. */
  #keyOf(event: Event): string | undefined {
    const key: unknown = this.#options.key?.(upcastIfPossible(event))
    if (key === undefined || typeof key === 'string') return key
    const got = key === null ? 'null' : typeof key
    throw new EventSystemError('invalid_options', `key must return a string or undefined for each event, got ${got}.`)
  }
}

/** Whether it is nobody's any more: the key of its subject was destroyed. */
export function isShredded(content: Content): boolean {
  return content.event === undefined && content.error instanceof EventSystemError && content.error.code === 'shredded'
}

/** Why an entry cannot be read yet and may be later: it is no poison, and waits. Undefined for one that can, or never will. */
export function whyUnread(content: Content): EventSystemError | undefined {
  if (content.event !== undefined || !isRetryable(content.error)) return undefined
  return content.error
}
