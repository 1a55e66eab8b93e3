import {
  type Clock,
  type Event,
  EventSystemError,
  isRetryable,
  type JsonObject,
  newestForm,
  onlyOptions,
  stringifyJson,
  systemClock
} from '@tradpal/events'
import { type EventCodec, plainCodec, prepareReading, type TextVault } from '../codec/index.ts'
import {
  AMENDED_BY,
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterCause,
  type DeadLetterFilter,
  DeadLetters,
  type Operator
} from '../dead-letters/index.ts'
import type { Storage } from '../log/index.ts'
import { mustBeLog } from '../runtime/index.ts'
import { checkedFilter, checkedReason, FILTER_OPTIONS, operatorName, pageLimit } from './arguments.ts'
import { checkedBulk, type RequeueAllOptions, type RequeueReport, requeueLetters } from './bulk-requeue.ts'

export interface DeadLetterOfficeOptions {
  /** A started log. */
  readonly storage: Storage
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  /** Seals what is kept beside the events, where the log is encrypted. Default: nothing is sealed. */
  readonly vault?: TextVault | undefined
  readonly clock?: Clock
}

export interface DeadLetterPage extends DeadLetterFilter {
  /** Behind the letter of this id. */
  readonly after?: string
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number
}

export interface RequeueOptions extends Operator {
  /** The group gets the event with this data instead, valid once they are upcast, and with `by` as its `metadata.amended_by`; the log keeps what it has. */
  readonly data?: JsonObject
  /** Called with the event as it is, before it gets other data: what this throws is rejected with, and the letter stays. */
  readonly mayAmend?: (event: Event) => void
}

/**
 * The entries that groups gave up on, and what an operator can do about them. Each letter is moved in one atomic step: it
 * is gone from here only when it is back with its group. What is done is on record. What makes no sense is refused with
 * `invalid_options` or `invalid_argument`, and nothing is changed then.
 */
export class DeadLetterOffice {
  readonly #letters: DeadLetters
  readonly #codec: EventCodec
  readonly #clock: Clock

  /** Throws `invalid_options`. */
  constructor(options: DeadLetterOfficeOptions) {
    onlyOptions('DeadLetterOffice', options, { storage: true, codec: true, vault: true, clock: true })
    mustBeLog(options.storage)
    const { storage, codec = plainCodec, vault, clock = systemClock } = options
    this.#letters = new DeadLetters({ storage, vault, clock })
    this.#codec = codec
    this.#clock = clock
  }

  /** A page of the letters that match, oldest first. */
  async list(wanted: DeadLetterPage = {}): Promise<DeadLetter[]> {
    onlyOptions('list()', wanted, { ...FILTER_OPTIONS, after: true, limit: true })
    const { after, limit = 100, ...filter } = wanted
    const page = { ...checkedFilter('list()', filter), limit: pageLimit(limit) }
    return this.#letters.list(after === undefined ? page : { ...page, after })
  }

  /** How many letters match. */
  async count(filter: DeadLetterFilter = {}): Promise<number> {
    return this.#letters.count(checkedFilter('count()', filter))
  }

  /** The dead letters by cause: how many have it, and the oldest. Its cost follows the number of causes. */
  async causes(filter: Pick<DeadLetterFilter, 'group'> = {}): Promise<DeadLetterCause[]> {
    onlyOptions('causes()', filter, { group: true })
    return this.#letters.causes(checkedFilter('causes()', filter))
  }

  get(id: string): Promise<DeadLetter | undefined> {
    return this.#letters.get(id)
  }

  /**
   * Puts an entry back to the group that gave it up, and to no other: it starts again at attempt 1, with the handlers that
   * are not done with it. Rejects with `not_found` when there is no such letter or its group is gone, with `entry_trimmed`,
   * with `invalid_event`, `invalid_data` or `not_representable` when the event cannot carry the data, and with `key_missing` and `shredded`; the letter stays then.
   */
  async requeue(id: string, options: RequeueOptions): Promise<void> {
    onlyOptions('requeue()', options, { by: true, data: true, mayAmend: true })
    const { by, data, mayAmend } = options
    operatorName(by)
    const letter = await this.#letters.get(id)
    if (letter === undefined) throw new EventSystemError('not_found', `There is no dead letter ${JSON.stringify(id)}.`)
    if (data === undefined) return this.#letters.requeue(id, { by })
    await prepareReading(this.#codec, [letter])
    const event = this.#eventOf(letter)
    mayAmend?.(event)
    const amended = amendedEvent(event, data, by)
    await this.#codec.prepareEncoding?.([amended])
    await this.#letters.requeue(id, { by, payload: this.#codec.encode(amended) })
  }

  /**
   * Puts back the letters that match, as many as there were when it began, in bounded steps, each letter in one atomic
   * step. One that cannot be moved does not stop the others. What the report says in `next` goes on where it stopped.
   */
  async requeueAll(filter: DeadLetterFilter, options: RequeueAllOptions): Promise<RequeueReport> {
    const bulk = checkedBulk(filter, options, this.#clock.now())
    const by = operatorName(options.by)
    return requeueLetters(this.#letters, bulk, ({ id }) => this.#letters.requeue(id, { by }))
  }

  /** Removes a letter for good. Rejects with `not_found`. */
  async discard(id: string, options: Operator & { readonly reason: string }): Promise<void> {
    onlyOptions('discard()', options, { by: true, reason: true })
    const { by, reason } = options
    await this.#letters.discard(id, { by: operatorName(by), reason: checkedReason(reason) })
  }

  /** A page of the record of what operators did, oldest first, at most `limit` (1 to 1,000, default 100). */
  async actions(page: { after?: string; limit?: number } = {}): Promise<DeadLetterAction[]> {
    onlyOptions('actions()', page, { after: true, limit: true })
    const { after, limit = 100 } = page
    return this.#letters.actions({ limit: pageLimit(limit), ...(after === undefined ? {} : { after }) })
  }

  #eventOf({ id, payload }: DeadLetter): Event {
    if (payload !== null) {
      try {
        return this.#codec.decode(payload)
      } catch (cause) {
        if (isRetryable(cause) || isShredded(cause)) throw cause
        throw new EventSystemError(
          'invalid_event',
          `The dead letter ${id} holds no event that could carry other data.`,
          {
            cause
          }
        )
      }
    }
    throw new EventSystemError('invalid_event', `The dead letter ${id} holds no event that could carry other data.`)
  }
}

function isShredded(error: unknown): boolean {
  return error instanceof EventSystemError && error.code === 'shredded'
}

/** Who amended an event stands beside `metadata.principal`, which still says who published it. */
function amendedEvent(event: Event, data: unknown, by: string): Event {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new EventSystemError('invalid_data', `data must be an object, got ${stringifyJson(data)}.`, {
      pointer: '/data'
    })
  }
  const amended = { ...event, data: data as JsonObject, metadata: { ...event.metadata, [AMENDED_BY]: by } }
  newestForm(amended)
  return amended
}
