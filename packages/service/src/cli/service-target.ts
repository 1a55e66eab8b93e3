import { EventClient, type TrimReport, type TrimRequest } from '@tradpal/event-client'
import {
  type Event,
  EventSystemError,
  isKnownEventType,
  registerEventType,
  type StoredEvent,
  type StreamEvent
} from '@tradpal/events'
import type { GlobalOptions } from './options.ts'
import { accessOf, showsWho } from './service-access.ts'
import {
  type AuditTarget,
  COMMAND_LINE,
  type DeadLetterTarget,
  type GroupTarget,
  type KeyTarget,
  type LogStanding,
  type PublishedEvent,
  type Target,
  type TargetFilter,
  type TargetHealth,
  type TargetPage,
  type TargetRange
} from './target.ts'

/** The most that the service gives at once. */
const PAGE = 1_000
/** A count runs over its range before it answers, and a trim over what it removes. */
const LONG_TIMEOUT_MS = 600_000

export async function openServiceTarget(options: GlobalOptions): Promise<Target> {
  const { url = serviceUrl(), timeout } = options
  const client = new EventClient({
    url,
    ...(await accessOf(options)),
    ...(timeout === undefined ? {} : { timeoutMs: timeout })
  })
  return new ServiceTarget(client, url, showsWho(options) ? '' : COMMAND_LINE, timeout ?? LONG_TIMEOUT_MS)
}

class ServiceTarget implements Target {
  readonly location: string
  readonly source: string
  readonly passedOver = 0
  readonly deadLetters: DeadLetterTarget
  readonly groups: GroupTarget
  readonly keys: KeyTarget
  readonly audit: AuditTarget
  readonly #client: EventClient
  readonly #longTimeoutMs: number

  constructor(client: EventClient, url: string, source: string, longTimeoutMs: number) {
    this.#client = client
    this.location = url
    this.source = source
    this.deadLetters = client.deadLetters
    this.groups = client.groups
    this.keys = client.keys
    const { audit } = client
    this.audit = {
      list: (query) => audit.list(query),
      head: () => audit.head(),
      verify: (options) => audit.verify({ ...options, timeoutMs: longTimeoutMs })
    }
    this.#longTimeoutMs = longTimeoutMs
  }

  publishAll(events: readonly Event[]): Promise<readonly PublishedEvent[]> {
    return this.#client.publishAll(events)
  }

  check(events: readonly Event[]): Promise<void> {
    return this.#client.checkBatch(events)
  }

  async getEvents(range: TargetRange, limit: number): Promise<StoredEvent[]> {
    if (limit <= PAGE) return this.#client.getEvents({ ...range, limit, raw: true })
    const newest = range.startTime === undefined && range.after === undefined
    const found: StoredEvent[] = []
    for await (const event of this.readEvents(range)) {
      found.push(event)
      if (!newest && found.length === limit) break
      if (found.length > limit) found.shift()
    }
    return found
  }

  getPage(range: TargetRange, limit: number): Promise<TargetPage> {
    return this.#client.getPage({ ...range, limit, raw: true })
  }

  readEvents(range: TargetRange): AsyncIterable<StoredEvent> {
    return this.#client.streamReplay({ ...range, raw: true })
  }

  readStream(streamKey: string, fromVersion: number): AsyncIterable<StreamEvent<true>> {
    return this.#client.readStream(streamKey, { fromVersion, raw: true })
  }

  async *replay(range: TargetRange, speed: number | 'max', signal: AbortSignal): AsyncGenerator<StoredEvent> {
    const onAbort = () => this.#client.close()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      yield* this.#client.streamReplay({ ...range, speed, raw: true })
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  countEvents(range: TargetRange): Promise<number> {
    return this.#client.countEvents({ ...range, timeoutMs: this.#longTimeoutMs })
  }

  follow(
    from: 'start' | { readonly after: string },
    filter: TargetFilter,
    signal: AbortSignal
  ): AsyncIterable<StoredEvent> {
    return this.#client.subscribe({ ...filter, after: from === 'start' ? 'start' : from.after, signal, raw: true })
  }

  async standing(): Promise<LogStanding> {
    const stats = await this.#client.getEventStats()
    return {
      log: stats.log,
      location: this.location,
      length: stats.stream_length,
      firstId: stats.first_entry,
      lastId: stats.last_entry,
      bytes: stats.bytes,
      deadLetters: stats.dead_letters,
      groups: stats.groups.map((group) => ({
        name: group.name,
        consumers: group.consumers,
        pending: group.pending,
        lag: group.lag,
        lastDelivered: group['last-delivered-id']
      }))
    }
  }

  /** Types that an operator registered at the service are made known here too: their schemas are the service's to check. */
  async eventTypes(): Promise<string[]> {
    const names = await this.#client.getEventTypes()
    for (const name of names) if (!isKnownEventType(name)) registerEventType({ name, schema: { type: 'object' } })
    return names
  }

  trim(request: TrimRequest): Promise<TrimReport> {
    return this.#client.trim({ ...request, timeoutMs: this.#longTimeoutMs })
  }

  async rekey(): Promise<never> {
    throw new EventSystemError('unsupported', 'A service does not encrypt anew: open its log with --log or --redis.')
  }

  async shred(): Promise<never> {
    throw new EventSystemError('unsupported', 'A service does not erase customers: open its log with --log or --redis.')
  }

  async healthCheck(): Promise<TargetHealth> {
    return this.#client.healthCheck()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
  }
}

/** A variable that is set to nothing counts as unset. */
function serviceUrl(): string {
  return process.env.EVENT_SERVICE_URL || 'http://localhost:8011'
}
