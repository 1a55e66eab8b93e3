import type { AppendEntry, AppendResult, Checkpoint, MessageId } from '../port.ts'
import { groupKeys, type LogKeys } from './keys.ts'
import { mustBeMessageId } from './message-id.ts'
import type { ScriptName } from './scripts.ts'

/** The scripts that know in which stream an entry stands. */
export interface PlacingScripts {
  readonly append: ScriptName
  readonly commit: ScriptName
  readonly cutStreams: ScriptName
}

/** Keys and arguments of a script beside those of every log. */
export interface Placed {
  readonly keys: readonly string[]
  readonly args: readonly string[]
  /** What stands behind the arguments of an entry that every log has. */
  of(entry: AppendEntry): readonly string[]
}

/** In which stream of a log an entry stands: there is one, or one for each event type. */
export interface Placing {
  readonly scripts: PlacingScripts
  /** Throws `invalid_message_id`. */
  placeOf(messageId: MessageId): { readonly partition: number; readonly id: string }
  /** Throws `invalid_message_id`. */
  mustBeCheckpoint(text: Checkpoint): void
  /** To be awaited before partitions are named: they may have been begun by others. */
  know(partitions: Iterable<number>): Promise<void> | undefined
  place(entries: readonly AppendEntry[]): Placed
  /** The keys by which a script finds what a group keeps of a partition. */
  groupTarget(group: string, partition: number): readonly string[]
  /** The streams beside that of partition 0. */
  otherStreams(): readonly string[]
  /** What was appended may be the first of its type. */
  learn(results: readonly AppendResult[]): void
}

const NONE: readonly string[] = []
const PLACED: Placed = { keys: NONE, args: NONE, of: () => NONE }

/** One stream has all. */
export function inOneStream(keys: LogKeys): Placing {
  return {
    scripts: { append: 'append', commit: 'commit', cutStreams: 'cutStreams' },
    placeOf: (messageId) => ({ partition: 0, id: mustBeMessageId(messageId) }),
    mustBeCheckpoint: mustBeMessageId,
    know: () => undefined,
    place: () => PLACED,
    groupTarget: (group) => [groupKeys(keys, group).attachments],
    otherStreams: () => NONE,
    learn: () => {}
  }
}
