import type * as Api from '@tradpal/event-api'
import {
  type EventOf,
  EventSystemError,
  type EventTypeFilter,
  isRetryable,
  type OptionNames,
  type ReadOptions,
  type StoredEvent
} from '@tradpal/events'
import type { EventSourceMessage } from 'eventsource-parser'
import { eventFrom } from './answers/index.ts'
import { FrameDecoder } from './frames.ts'
import { type FieldsOf, type JsonParts, readObject } from './json-object.ts'
import { waitMs } from './options.ts'
import { eventTypeParameter, mustBeSignal, queryOf, symbolParameter } from './query.ts'
import { failureInStream } from './service-error.ts'
import type { ByteStream, ServiceRequest, Transport } from './transport.ts'

/** What a subscription has missed: the log does not hold all that once stood behind `after`. */
export interface StreamGap {
  /** The message id behind which the subscription asked to go on. */
  readonly after: string
  /** The first event that is still there; null when there is none. */
  readonly firstId: string | null
}

export interface SubscribeOptions<T extends string = string, Raw extends boolean = false> extends ReadOptions<Raw> {
  /** One type or several. Default: all. */
  readonly eventType?: EventTypeFilter<T>
  /** Only events whose `data.symbol` is this, in the newest form. Default: any, or none. */
  readonly symbol?: string
  /** Only events whose `data.symbol` is one of these. It excludes `symbol`. */
  readonly symbols?: readonly string[]
  /** Events behind this message id, or with `start` all that the log holds. Default: those published from now on. */
  readonly after?: string
  /** Called when events behind the place where the subscription begins or resumes may have been trimmed. Default: nothing. */
  readonly onGap?: (gap: StreamGap) => void
  /** Ends the subscription, as `close()` does. */
  readonly signal?: AbortSignal
  /** After so long without a byte, heartbeats included, the connection counts as broken. Default 45,000. */
  readonly heartbeatTimeoutMs?: number
}

export const SUBSCRIBE_OPTIONS: OptionNames<SubscribeOptions> = {
  eventType: true,
  symbol: true,
  symbols: true,
  after: true,
  onGap: true,
  raw: true,
  signal: true,
  heartbeatTimeoutMs: true
}

interface SubscriptionParts<E> {
  /** Makes of a stored event what the caller asked for. */
  readonly answer: (event: StoredEvent) => E
  readonly onEnd: (subscription: Pick<Subscription, 'close'>) => void
}

interface Connection {
  readonly stream: ByteStream
  readonly decoder: FrameDecoder
  readonly since: number
  /** Whether the service has said where the stream begins. */
  positioned: boolean
}

/** The name that the service gives to the place before the first entry. */
const START = '0-0'
const PATH = '/events/stream'
const CALL = `GET ${PATH}`
/** Enough to know again whatever a service repeats after a reconnection. */
const REMEMBERED_IDS = 1_024

/**
 * Events as the service takes them, in log order, with no gap and no repeat: a connection that breaks or falls silent is
 * made anew, for ever, and resumes behind the last event that arrived.
 *
 *     for await (const event of client.subscribe({ eventType: 'trading_signal' })) { … }
 *
 * It connects with the first step of the loop, or with {@link Subscription.open}. Leaving the loop, `close()`, the
 * caller's signal and the client's `close()` end it; the loop then ends without an error. What another attempt cannot help
 * (a 4xx other than 408 and 429, an answer that is no event stream) ends it with that error. It reads only as fast as the
 * loop runs: while the loop is busy the service's sending fills up, and a service that then cuts the reader off is resumed.
 * It can be iterated once.
 */
export class Subscription<E = EventOf<string>> implements AsyncIterable<E>, AsyncDisposable {
  readonly #transport: Transport
  readonly #options: SubscribeOptions<string, boolean>
  readonly #heartbeatTimeoutMs: number
  readonly #parts: SubscriptionParts<E>
  readonly #ending = new AbortController()
  readonly #events: AsyncGenerator<E, undefined>
  readonly #buffer: { readonly event: StoredEvent; readonly position: string }[] = []
  readonly #seen = new Set<string>()
  #connection: Connection | undefined
  #filling: Promise<void> | undefined
  #failure: EventSystemError | undefined
  #failedAttempts = 0
  /** Behind which the next connection continues. It runs ahead of what the loop has taken by what the buffer holds. */
  #resumeFrom: string | undefined
  #opened = false
  #position: string | undefined

  constructor(transport: Transport, options: SubscribeOptions<string, boolean>, parts: SubscriptionParts<E>) {
    mustBeSignal(options.signal)
    this.#transport = transport
    this.#options = options
    this.#heartbeatTimeoutMs = waitMs('heartbeatTimeoutMs', options.heartbeatTimeoutMs, 45_000)
    eventTypeParameter(options.eventType)
    symbolParameter(options)
    this.#parts = parts
    this.#position = options.after === 'start' ? START : options.after
    this.#events = this.#iterate()
    options.signal?.addEventListener('abort', this.close, { once: true })
    if (options.signal?.aborted) this.close()
  }

  /**
   * What to give as `after` to a later subscription that continues here: the position behind the last event that the loop was given,
   * or the place where the subscription began. Undefined before the service has named that place. Where the log has one order it is a message id.
   */
  get position(): string | undefined {
    return this.#position
  }

  /** Resolves when the service has said where in the log the subscription stands: all that is published after that is delivered. */
  async open(): Promise<void> {
    while (!this.#opened && !this.#ended) {
      if (this.#failure !== undefined) throw this.#failure
      await this.#fill()
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<E, undefined> {
    return this.#events
  }

  /** Ends the subscription and its connection. Idempotent. */
  readonly close = (): void => {
    if (this.#ended) return
    this.#ending.abort()
    this.#disconnect()
    this.#buffer.length = 0
    this.#options.signal?.removeEventListener('abort', this.close)
    this.#parts.onEnd(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  get #ended(): boolean {
    return this.#ending.signal.aborted
  }

  async *#iterate(): AsyncGenerator<E, undefined> {
    try {
      while (!this.#ended) {
        const next = this.#buffer.shift()
        if (next !== undefined) {
          this.#position = next.position
          yield this.#parts.answer(next.event)
        } else if (this.#failure !== undefined) {
          throw this.#failure
        } else {
          await this.#fill()
        }
      }
    } finally {
      this.close()
    }
  }

  /** One step at a time, whoever asks: the loop and `open()` may both wait for it. */
  #fill(): Promise<void> {
    this.#filling ??= this.#step().finally(() => {
      this.#filling = undefined
    })
    return this.#filling
  }

  /** Takes what the connection brings next, or makes a connection when there is none. */
  async #step(): Promise<void> {
    try {
      this.#connection ??= await this.#connect()
      const bytes = await this.#connection.stream.read(this.#heartbeatTimeoutMs)
      if (bytes === undefined) throw new EventSystemError('service_unavailable', `The service ended ${CALL}.`)
      for (const frame of this.#connection.decoder.feed(bytes)) this.#take(frame)
    } catch (error) {
      await this.#afterFailure(error)
    }
  }

  async #connect(): Promise<Connection> {
    const stream = await this.#transport.stream(this.#request(), 'text/event-stream', this.#ending.signal)
    if (this.#ended) stream.close()
    return { stream, decoder: new FrameDecoder(), since: this.#transport.options.clock.now(), positioned: false }
  }

  #request(): ServiceRequest {
    const { eventType, after } = this.#options
    const resume = this.#resumeFrom
    const first = after === 'start' ? START : after
    return {
      method: 'GET',
      path: PATH,
      query: queryOf<Api.FollowQuery>({
        event_type: eventTypeParameter(eventType),
        symbol: symbolParameter(this.#options),
        after: resume === undefined ? first : undefined
      }),
      headers: { accept: 'text/event-stream', ...(resume !== undefined && { 'last-event-id': resume }) },
      // The subscription has its own loop of attempts, without an end.
      repeat: 'never'
    }
  }

  #take(frame: EventSourceMessage): void {
    const reading = readObject(frame.data)
    const body = reading.object
    // An operator may register an event type called `position` or `error`: the content tells, not the name.
    if (body?.event_type !== undefined) this.#takeEvent(frame, body)
    else if (frame.event === 'position') this.#takePosition(frame, body)
    else if (frame.event === 'gap') this.#takeGap(body)
    else if (frame.event === 'error') throw failureInStream(CALL, reading)
    else {
      const sentence = `${CALL} sent a frame that is no event, "${frame.event ?? 'message'}".`
      throw new EventSystemError('http_error', sentence, { cause: reading.cause })
    }
  }

  #takeEvent(frame: EventSourceMessage, body: JsonParts): void {
    const event = eventFrom(CALL, body)
    this.#failedAttempts = 0
    const position = frame.id ?? event.messageId
    this.#resumeFrom = position
    this.#opened = true
    if (this.#seen.has(event.messageId)) return
    this.#remember(event.messageId)
    this.#buffer.push({ event, position })
  }

  #takePosition(frame: EventSourceMessage, body: JsonParts | undefined): void {
    const named = body?.message_id
    const position = frame.id ?? (typeof named === 'string' ? named : undefined)
    this.#opened = true
    this.#position ??= position
    // One that comes later says that what stands before it was sent or passed over. Where the service says it stands after
    // a reconnection may be ahead of what has arrived.
    if (this.#connection?.positioned) this.#resumeFrom = position ?? this.#resumeFrom
    else this.#resumeFrom ??= this.#options.after === undefined ? position : undefined
    if (this.#connection !== undefined) this.#connection.positioned = true
  }

  #takeGap(body: JsonParts | undefined): void {
    const { asked_id: after, first_id: firstId }: FieldsOf<Api.StreamGap> = body ?? {}
    if (typeof after !== 'string') return
    this.#options.onGap?.({ after, firstId: typeof firstId === 'string' ? firstId : null })
  }

  #remember(messageId: string): void {
    this.#seen.add(messageId)
    if (this.#seen.size <= REMEMBERED_IDS) return
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest)
      return
    }
  }

  async #afterFailure(error: unknown): Promise<void> {
    const { clock, backoff } = this.#transport.options
    const lived = this.#connection !== undefined && clock.now() - this.#connection.since >= backoff.maxMs
    this.#disconnect()
    if (this.#ended) return
    if (!isRetryable(error)) {
      this.#failure = asError(error)
      return
    }
    this.#failedAttempts = lived ? 1 : this.#failedAttempts + 1
    try {
      await this.#transport.pause(this.#failedAttempts, error, this.#ending.signal)
    } catch (interrupted) {
      if (!this.#ended) this.#failure = asError(interrupted)
    }
  }

  #disconnect(): void {
    this.#connection?.stream.close()
    this.#connection = undefined
  }
}

function asError(error: unknown): EventSystemError {
  if (error instanceof EventSystemError) return error
  return new EventSystemError('http_error', `${CALL} sent what cannot be read: ${String(error)}`, { cause: error })
}
