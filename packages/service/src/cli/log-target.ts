import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { TrimReport, TrimRequest } from '@tradpal/event-client'
import {
  Documents,
  diagnostics,
  type Event,
  EventSystem,
  EventSystemError,
  isRedisUrl,
  knownEventTypes,
  parseEventTypes,
  parseJson,
  type RekeyOptions,
  type RekeyReport,
  registerEventType,
  type ShredOptions,
  type ShredReport,
  type SkippedMessage,
  type StoredEvent,
  type StreamEvent,
  silentLogger,
  systemClock
} from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { listenToLog } from '../http/listen.ts'
import { retentionOf } from '../retention-variables.ts'
import { systemOptions } from '../system-options.ts'
import { OperatorsAudit } from './operators-audit.ts'
import type { GlobalOptions } from './options.ts'
import {
  type AuditTarget,
  COMMAND_LINE,
  type DeadLetterTarget,
  type GroupTarget,
  type KeyTarget,
  type LogStanding,
  type OpenTargetOptions,
  type PublishedEvent,
  type Target,
  type TargetFilter,
  type TargetHealth,
  type TargetPage,
  type TargetRange
} from './target.ts'

/** Opens a log directly. A file that is not there is made only with `create`: a mistyped path is no empty log. */
export async function openLogTarget(options: GlobalOptions, { create = false }: OpenTargetOptions): Promise<Target> {
  const { log, redis, stream, timeout } = options
  if (log !== undefined && !create && !existsSync(log)) {
    throw new EventSystemError('not_found', `There is no log at ${resolve(log)}; publishing to it would make it.`)
  }
  if (redis !== undefined && !isRedisUrl(redis)) {
    throw new EventSystemError('invalid_options', '--redis must be an address such as redis://localhost:6379.')
  }
  registerFurtherTypes(process.env.EVENT_TYPES_FILE)
  // The spool that the environment may name is another process's.
  const { EVENT_SPOOL_PATH: _, ...environment } = process.env
  const system = new EventSystem({
    ...systemOptions(environment),
    // A command says in words what went wrong.
    logger: silentLogger,
    ...(log === undefined ? {} : { logPath: log }),
    ...(redis === undefined ? {} : { redisUrl: redis }),
    ...(stream === undefined ? {} : { streamName: stream }),
    ...(timeout === undefined ? {} : { timeoutMs: Math.ceil(timeout) })
  })
  try {
    const audit = new OperatorsAudit(system, environment)
    await system.initialize()
    return new LogTarget(system, audit)
  } catch (error) {
    await system.close()
    throw error
  }
}

function registerFurtherTypes(path: string | undefined): void {
  if (path === undefined || path === '') return
  try {
    for (const definition of parseEventTypes(parseJson(readFileSync(path)))) registerEventType(definition)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_options', `EVENT_TYPES_FILE ${path} cannot be used: ${reason}`, { cause })
  }
}

class LogTarget implements Target {
  readonly location: string
  readonly source = COMMAND_LINE
  readonly deadLetters: DeadLetterTarget
  readonly groups: GroupTarget
  readonly keys: KeyTarget
  readonly audit: AuditTarget
  readonly #system: EventSystem
  readonly #audit: OperatorsAudit
  readonly #stopListening: () => void
  #passedOver = 0

  constructor(system: EventSystem, audit: OperatorsAudit) {
    this.#system = system
    this.#audit = audit
    this.#stopListening = listenToLog<SkippedMessage>(system.storage, diagnostics.skipped, () => {
      this.#passedOver += 1
    })
    this.location = system.storage.location
    this.deadLetters = audit.deadLetters(system.deadLetters)
    this.groups = audit.groups(system.groups)
    this.keys = audit.keys(keysOf(system))
    this.audit = audit
  }

  publishAll(events: readonly Event[]): Promise<readonly PublishedEvent[]> {
    return this.#system.publisher.publishAll(events)
  }

  check(events: readonly Event[]): Promise<void> {
    return this.#system.publisher.check(events)
  }

  getEvents(range: TargetRange, limit: number): Promise<StoredEvent[]> {
    return this.#system.getEvents({ ...range, limit, raw: true })
  }

  getPage(range: TargetRange, limit: number): Promise<TargetPage> {
    return this.#system.getPage({ ...range, limit, raw: true })
  }

  readEvents(range: TargetRange): AsyncIterable<StoredEvent> {
    return this.#system.readEvents({ ...range, raw: true })
  }

  readStream(streamKey: string, fromVersion: number): AsyncIterable<StreamEvent<true>> {
    return this.#system.readStream(streamKey, { fromVersion, raw: true })
  }

  replay(range: TargetRange, speed: number | 'max', signal: AbortSignal): AsyncIterable<StoredEvent> {
    return this.#system.store.replay({ ...range, raw: true }, { speed, signal })
  }

  get passedOver(): number {
    return this.#passedOver
  }

  countEvents(range: TargetRange): Promise<number> {
    return this.#system.countEvents(range)
  }

  async *follow(
    from: 'start' | { readonly after: string },
    filter: TargetFilter,
    signal: AbortSignal
  ): AsyncGenerator<StoredEvent> {
    for await (const { events } of this.#system.store.follow(from, { ...filter, raw: true }, signal)) yield* events
  }

  async standing(): Promise<LogStanding> {
    const { groups, first, last, ...stats } = await this.#system.getEventStats()
    const ends = { firstId: first?.messageId ?? null, lastId: last?.messageId ?? null }
    return { ...stats, ...ends, groups: groups.map((group) => ({ ...group, consumers: group.consumers.length })) }
  }

  async eventTypes(): Promise<string[]> {
    return knownEventTypes()
  }

  async trim({ force = false, dryRun = false, timeoutMs, ...policy }: TrimRequest): Promise<TrimReport> {
    const limits = Object.keys(policy).length > 0 ? policy : retentionOf(process.env)
    const work = () => this.#system.retention.enforce({ policy: limits, force, dryRun })
    if (dryRun) return work()
    return this.#audit.record('log.trimmed', { ...limits, force }, work, ({ removed, lost }) => ({ removed, lost }))
  }

  rekey(options: RekeyOptions): Promise<RekeyReport> {
    const work = () => this.#system.rekey(options)
    return options.dryRun === true ? work() : this.#audit.record('log.rekeyed', {}, work)
  }

  shred(subject: string, options: ShredOptions): Promise<ShredReport> {
    // The subject is a customer: the record knows them by the id of their key, as the log does.
    const work = () => this.#system.shred(subject, options)
    return this.#audit.record('subjects.shredded', { reason: options.reason }, work, ({ subjectId, shreddedAt }) => ({
      subject_id: subjectId,
      at: shreddedAt
    }))
  }

  async healthCheck(): Promise<TargetHealth> {
    const { status, reasons, warnings, log } = await this.#system.healthCheck()
    const { latencyMs, ...rest } = log
    return { status, reasons, warnings, log: { ...rest, latency_ms: latencyMs } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening()
    await this.#audit.close()
    await this.#system.close()
  }
}

/** Whoever can open the log itself may do everything: keys are made in the name of the user that is logged in. */
function keysOf({ storage }: EventSystem): KeyTarget {
  const keys = new ApiKeys(new Documents(storage), systemClock)
  const by = `operator:${userInfo().username}`
  return {
    list: () => keys.list(),
    create: (wanted) => keys.create({ ...wanted, by }),
    rotate: (id, { overlapMs }) => keys.rotate(id, { overlapMs, by }),
    revoke: (id) => keys.revoke(id)
  }
}
