import type { Checkpoint, Position } from './entries.ts'

/** A named position in the log. */
export interface CursorInfo {
  readonly name: string
  /** Everything up to here is done. */
  readonly position: Checkpoint
  /** When it was created or last moved, ms since the epoch, by the clock of the log. */
  readonly movedAt: number
  /** Whether {@link Log.trim} keeps what the cursor has not passed. */
  readonly guards: boolean
  /** Entries behind the position. `null` where counting them would read too much. */
  readonly lag: number | null
  /** The age of the first entry behind the position, in ms; 0 when there is none. */
  readonly lagMs: number
}

/**
 * Named positions that the log keeps for those that follow it, such as a projection: everything up to a cursor is done. A cursor
 * is moved by {@link Unit.cursors}, in one step with what was done. Names have 1 to 500 characters.
 */
export interface Cursors {
  get(name: string): Promise<CursorInfo | undefined>
  /** Where cursors are, in the order of the names; `undefined` for one that is not there. Cheaper than {@link get}, which counts the lag. */
  positions(names: readonly string[]): Promise<(Checkpoint | undefined)[]>
  /**
   * Creates a cursor. A position beyond the newest entry counts as `end`. A guarding cursor (the default) keeps {@link Log.trim}
   * from what it has not passed. Resolves to false, nothing changed, when the cursor exists. Rejects with `invalid_argument`.
   */
  create(name: string, at: Position, options?: { readonly guards?: boolean }): Promise<boolean>
  /** Resolves to whether there was one. */
  remove(name: string): Promise<boolean>
}
