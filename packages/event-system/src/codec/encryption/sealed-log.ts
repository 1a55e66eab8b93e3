import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Collections,
  ConsumerGroup,
  Counters,
  Cursors,
  DeadLetters,
  Entry,
  EventLog,
  Leases,
  LogBounds,
  LogFeatures,
  LogInfo,
  LogWarning,
  MessageId,
  Position,
  ReadRange,
  Records,
  Rewrite,
  StreamEntry,
  StreamRange,
  TrimOptions,
  TrimResult,
  TrimTarget,
  Unit,
  UnitResult
} from '../../log/index.ts'
import { SealedGroup } from './sealed-group.ts'
import { SealedLetters } from './sealed-letters.ts'
import type { TextVault } from './text-vault.ts'

/** All that a log may have, what adapters may leave out as well: nothing of the log below is forgotten here. */
type Whole<Log> = { [Part in keyof Required<Log>]: Log[Part] }

/**
 * A log that keeps nothing in the clear that quotes an event: notes, errors of dead letters and what steps returned are sealed
 * on their way in and opened on their way out. Payloads pass as they are: the codec has sealed them.
 */
export class SealedLog implements Whole<EventLog> {
  readonly deadLetters: DeadLetters
  /** The log below. */
  readonly under: EventLog
  readonly #vault: TextVault

  constructor(log: EventLog, vault: TextVault) {
    this.under = log
    this.#vault = vault
    this.deadLetters = new SealedLetters(log.deadLetters, vault)
  }

  get kind(): string {
    return this.under.kind
  }

  get location(): string {
    return this.under.location
  }

  get features(): LogFeatures {
    return this.under.features
  }

  get records(): Records {
    return this.under.records
  }

  get leases(): Leases {
    return this.under.leases
  }

  get cursors(): Cursors {
    return this.under.cursors
  }

  get collections(): Collections {
    return this.under.collections
  }

  get counters(): Counters | undefined {
    return this.under.counters
  }

  start(): Promise<void> {
    return this.under.start()
  }

  close(options?: { timeoutMs?: number }): Promise<void> {
    return this.under.close(options)
  }

  append(entries: readonly AppendEntry[], options?: AppendOptions): Promise<AppendResult[]> {
    return this.under.append(entries, options)
  }

  versionOf(streamKey: string): Promise<number> {
    return this.under.versionOf(streamKey)
  }

  readStream(streamKey: string, range: StreamRange): Promise<StreamEntry[]> {
    return this.under.readStream(streamKey, range)
  }

  read(range: ReadRange): Promise<Entry[]> {
    return this.under.read(range)
  }

  get(messageId: MessageId): Promise<Entry | undefined> {
    return this.under.get(messageId)
  }

  tail(from: Position, options?: { signal?: AbortSignal; limit?: number }): AsyncIterable<Entry[]> {
    return this.under.tail(from, options)
  }

  compare(a: MessageId, b: MessageId): number {
    return this.under.compare(a, b)
  }

  timeOf(messageId: MessageId): number {
    return this.under.timeOf(messageId)
  }

  group(name: string): ConsumerGroup {
    return new SealedGroup(this.under.group(name), this.#vault)
  }

  groupNames(): Promise<string[]> {
    return this.under.groupNames()
  }

  commit(units: readonly Unit[], options?: { timeoutMs?: number }): Promise<UnitResult[]> {
    return this.under.commit(units, options)
  }

  trim(target: TrimTarget, options?: TrimOptions): Promise<TrimResult> {
    return this.under.trim(target, options)
  }

  remove(messageIds: readonly MessageId[], options?: TrimOptions): Promise<TrimResult> {
    return this.under.remove(messageIds, options)
  }

  rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    return this.under.rewrite(rewrites)
  }

  info(): Promise<LogInfo> {
    return this.under.info()
  }

  bounds(): Promise<LogBounds> {
    return this.under.bounds()
  }

  ping(): Promise<void> {
    return this.under.ping()
  }

  async warnings(): Promise<LogWarning[]> {
    return (await this.under.warnings?.()) ?? []
  }
}
