import type { MessageId, Storage, StorageFeatures } from '../port.ts'

/** What a case may ask of a handle that it opens. Every other option is the harness's own choice. */
export interface HarnessOpenOptions {
  /** The adapter's deduplication window. Without it the adapter's default, which is far longer than a case runs. */
  readonly deduplicationWindowMs?: number
}

/** How another process opens the same log: it imports the module and calls its default export with the options. */
export interface ChildEntrance {
  /** The URL of a module whose default export is a {@link OpenInChild}. */
  readonly module: string
  /** Handed to that function: plain JSON. */
  readonly options: unknown
}

/** Opens the harness's log in a child process: resolves to a started handle. */
export type OpenInChild = (options: unknown) => Promise<Storage>

/** An interface of the port that an adapter may leave out. */
export type OptionalInterface = 'partitioned' | 'counters' | 'rewrite'

/** The declaration of an adapter. */
export interface Declared {
  /** The same as `features` of its handles. */
  readonly features: StorageFeatures
  /** The interfaces that it leaves out. */
  readonly absent: readonly OptionalInterface[]
}

/** One fresh, empty log of an adapter, and the ways into it that a case needs. Make one for each case, dispose of it after. */
export interface ConformanceHarness extends Declared {
  /** A new started handle on the log. Several may be open at once: each stands for a user of its own. */
  open(options?: HarnessOpenOptions): Promise<Storage>
  readonly child: ChildEntrance
  /** Writes an entry past the adapter, as another program would. Needed where `features.foreignWriters` is declared. */
  writeForeign?(fields: Readonly<Record<string, string>>): Promise<MessageId>
  /** A log, not started, whose place cannot be reached: `start()`, or else every call, rejects with `log_unavailable`. */
  unreachable(): Promise<Storage>
  /** Closes every handle that is still open and removes the log. Idempotent. */
  dispose(): Promise<void>
}

/** One promise of the port and how it is checked. */
export interface ConformanceCase {
  /** A sentence of the port, or a part of one. */
  readonly title: string
  /** True for the logs that the case speaks of, by what they declare. A case without it speaks of all. Never skip one silently: report it as declared. */
  readonly needs?: (declared: Declared) => boolean
  /** Rejects, mostly with an `AssertionError`, when the promise is not kept. Takes a fresh harness. */
  run(harness: ConformanceHarness): Promise<void>
}
