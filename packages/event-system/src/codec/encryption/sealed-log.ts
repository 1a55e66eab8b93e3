import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  ConsumerGroup,
  DeadLetters,
  Entry,
  EventLog,
  LogFeatures,
  LogInfo,
  LogWarning,
  MessageId,
  Position,
  ReadRange,
  Records,
  TrimOptions,
  TrimResult,
  TrimTarget
} from '../../log/index.ts'
import { SealedGroup } from './sealed-group.ts'
import { SealedLetters } from './sealed-letters.ts'
import type { TextVault } from './text-vault.ts'

/**
 * A log that keeps nothing in the clear that quotes an event: notes, errors of dead letters and what steps returned are sealed
 * on their way in and opened on their way out. Payloads pass as they are: the codec has sealed them.
 */
export class SealedLog implements EventLog {
  readonly deadLetters: DeadLetters
  readonly #log: EventLog
  readonly #vault: TextVault

  constructor(log: EventLog, vault: TextVault) {
    this.#log = log
    this.#vault = vault
    this.deadLetters = new SealedLetters(log.deadLetters, vault)
  }

  get kind(): string {
    return this.#log.kind
  }

  get location(): string {
    return this.#log.location
  }

  get features(): LogFeatures {
    return this.#log.features
  }

  get records(): Records {
    return this.#log.records
  }

  start(): Promise<void> {
    return this.#log.start()
  }

  close(options?: { timeoutMs?: number }): Promise<void> {
    return this.#log.close(options)
  }

  append(entries: readonly AppendEntry[], options?: AppendOptions): Promise<AppendResult[]> {
    return this.#log.append(entries, options)
  }

  versionOf(streamKey: string): Promise<number> {
    return this.#log.versionOf(streamKey)
  }

  read(range: ReadRange): Promise<Entry[]> {
    return this.#log.read(range)
  }

  get(messageId: MessageId): Promise<Entry | undefined> {
    return this.#log.get(messageId)
  }

  tail(from: Position, options?: { signal?: AbortSignal; limit?: number }): AsyncIterable<Entry[]> {
    return this.#log.tail(from, options)
  }

  compare(a: MessageId, b: MessageId): number {
    return this.#log.compare(a, b)
  }

  timeOf(messageId: MessageId): number {
    return this.#log.timeOf(messageId)
  }

  group(name: string): ConsumerGroup {
    return new SealedGroup(this.#log.group(name), this.#vault)
  }

  trim(target: TrimTarget, options?: TrimOptions): Promise<TrimResult> {
    return this.#log.trim(target, options)
  }

  remove(messageIds: readonly MessageId[], options?: TrimOptions): Promise<TrimResult> {
    return this.#log.remove(messageIds, options)
  }

  info(): Promise<LogInfo> {
    return this.#log.info()
  }

  ping(): Promise<void> {
    return this.#log.ping()
  }

  async warnings(): Promise<LogWarning[]> {
    return (await this.#log.warnings?.()) ?? []
  }
}
