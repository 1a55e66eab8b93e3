import { type Clock, EventSystemError } from '@tradpal/events'
import { type AppendEntry, Documents, type MessageId, type Storage } from '../../log/index.ts'
import { sentenceOf } from '../event-id-conflict.ts'
import { pagesOf } from './pages.ts'

/** The type, in the store, of what was refused. */
const REFUSED = 'refused'
/** The collection of records whose revision grows when some are discarded: the process of the spool sees by it that another one did so. */
const DISCARDED = 'refused-discarded'
/** The most that one call of a log removes. */
const REMOVED_AT_ONCE = 10_000

/** An event of a spool that will never come into the log: its event id stands for another event there. */
export interface RefusedEvent extends AppendEntry {
  /** Names it among the refused. */
  readonly id: string
  /** When it was published, ms since the epoch. */
  readonly spooledAt: number
  /** When the log refused it, ms since the epoch. */
  readonly refusedAt: number
  /** The message id of the event that the log has instead. */
  readonly firstMessageId: MessageId
  /** Why, in a sentence. */
  readonly reason: string
}

/** An event of a record of the spool, by its place there. */
export interface NewRefusal {
  readonly entry: AppendEntry
  readonly spoolId: MessageId
  readonly spooledAt: number
  readonly index: number
  readonly firstMessageId: MessageId
}

/**
 * The events that the drain found to be refused for good, on the disk of the spool, until an operator discards them. What is written
 * twice, because a crash came between two steps of the drain, counts once.
 */
export class RefusedEvents {
  readonly #store: Storage
  readonly #clock: Clock
  #ids = new Set<string>()
  #bytes = 0
  #revision = 0

  constructor(store: Storage, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** To be awaited before all else, when the store is started. */
  async load(): Promise<void> {
    this.#revision = await new Documents(this.#store).revision(DISCARDED)
    const ids = new Set<string>()
    let bytes = 0
    for await (const { id, payload } of readRefused(this.#store)) {
      ids.add(id)
      bytes += payload.length
    }
    this.#ids = ids
    this.#bytes = bytes
  }

  /** Resolves when they are on the disk. */
  async add(refusals: readonly NewRefusal[]): Promise<void> {
    if (refusals.length === 0) return
    const refusedAt = this.#clock.now()
    const events = refusals.map(({ entry, spoolId, spooledAt, index, firstMessageId }): RefusedEvent => {
      const { eventId, eventType, payload } = entry
      const reason = sentenceOf({ eventId, messageId: firstMessageId })
      const id = `${spoolId}:${index}`
      return { id, eventId, eventType, payload, spooledAt, refusedAt, firstMessageId, reason }
    })
    // No event id has a control character: none is taken for one of these.
    await this.#store.log.append(
      events.map((event) => ({ eventId: `\n${event.id}`, eventType: REFUSED, payload: JSON.stringify(event) }))
    )
    for (const { id, payload } of events) {
      if (!this.#ids.has(id)) this.#bytes += payload.length
      this.#ids.add(id)
    }
  }

  /** How many there are, and the characters of their payloads, also when another process has discarded some. */
  async count(): Promise<{ readonly events: number; readonly bytes: number }> {
    if (this.#ids.size > 0 && (await new Documents(this.#store).revision(DISCARDED)) !== this.#revision)
      await this.load()
    return { events: this.#ids.size, bytes: this.#bytes }
  }
}

/** The refused events of a spool, oldest first, also while its process uses it. `store` is a started log on its file. */
export async function* readRefused(store: Storage): AsyncIterable<RefusedEvent> {
  const seen = new Set<string>()
  for await (const page of pagesOf(store, REFUSED)) {
    for (const { payload } of page) {
      const event = parsed(payload)
      if (seen.has(event.id)) continue
      seen.add(event.id)
      yield event
    }
  }
}

/**
 * Removes refused events for good, by their ids, also while the process of the spool uses it. Resolves to how many there were.
 * Rejects with `not_found`, nothing removed, when one is not there.
 */
export async function discardRefused(store: Storage, ids: readonly string[]): Promise<number> {
  const wanted = new Set(ids)
  const missing = new Set(ids)
  const messageIds: MessageId[] = []
  for await (const page of pagesOf(store, REFUSED)) {
    for (const { messageId, payload } of page) {
      const { id } = parsed(payload)
      if (!wanted.has(id)) continue
      missing.delete(id)
      messageIds.push(messageId)
    }
  }
  if (missing.size > 0) {
    throw new EventSystemError('not_found', `There is no refused event with the id ${[...missing].join(', ')}.`)
  }
  for (let from = 0; from < messageIds.length; from += REMOVED_AT_ONCE) {
    await store.log.remove(messageIds.slice(from, from + REMOVED_AT_ONCE))
  }
  await new Documents(store).put(DISCARDED, 'last', messageIds.at(-1) ?? '')
  return wanted.size
}

function parsed(payload: string | null): RefusedEvent {
  try {
    return JSON.parse(payload ?? '') as RefusedEvent
  } catch (cause) {
    throw new EventSystemError('log_incompatible', 'The spool holds something that is no refused event.', { cause })
  }
}
