import { EventSystemError } from '@tradpal/events'
import type { Unit, UnitResult } from '../port.ts'
import { assertUnits } from '../unit-terms.ts'
import type { Connection } from './connection.ts'
import { NOBODY } from './holders.ts'
import { collectionKeys, expiringKeys, groupKeys, type LogKeys, streamIndexKey } from './keys.ts'
import type { ResolvedRedisStorageOptions } from './options.ts'
import { runScript } from './scripts.ts'
import { assertUnitTexts, sizeOf, type Targets, targetsOf, type UnitReply, unitArguments, unitResult } from './units.ts'
import { streamKeyArguments } from './versions.ts'

/** So many bytes go into one run of the script, or one unit that has more: the server does nothing else meanwhile. */
const STEP_BYTES = 1_048_576

export type CommitterOptions = Pick<ResolvedRedisStorageOptions, 'deduplicationWindowMs' | 'timeoutMs'>

/** Commits units, by scripts/commit-n.lua. */
export class Committer {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #window: string
  readonly #timeoutMs: number

  constructor(connection: Connection, keys: LogKeys, options: CommitterOptions) {
    this.#connection = connection
    this.#keys = keys
    this.#window = String(options.deduplicationWindowMs)
    this.#timeoutMs = options.timeoutMs
  }

  async commit(
    units: readonly Unit[],
    { timeoutMs = this.#timeoutMs }: { timeoutMs?: number } = {}
  ): Promise<UnitResult[]> {
    assertUnits(units)
    assertUnitTexts(units)
    const deadline = performance.now() + timeoutMs
    const results: UnitResult[] = []
    for (const step of stepsOf(units)) {
      const leftMs = results.length === 0 ? timeoutMs : Math.max(1, deadline - performance.now())
      results.push(...(await this.#step(step, leftMs).catch((error) => this.#reject(error, results, units.length))))
    }
    return results
  }

  async #step(units: readonly Unit[], timeoutMs: number): Promise<UnitResult[]> {
    const { stream, deduplication, versions, leases, cursors, streams } = this.#keys
    const targets = targetsOf(units)
    const keys = [stream, ...deduplication, versions, leases, cursors, streams, ...this.#keysOf(targets)]
    const keeps = targets.collections.map(({ keepMs = '' }) => String(keepMs))
    const args = [
      this.#window,
      NOBODY,
      String(keeps.length),
      ...keeps,
      String(targets.groups.length),
      ...targets.groups,
      ...streamKeyArguments(targets.streamKeys),
      ...units.flatMap((unit) => unitArguments(unit, targets))
    ]
    const writer = units.some(leavesSomething) ? this.#connection.durable : this.#connection
    const replies = await runScript<UnitReply[]>(writer, 'commit', keys, args, timeoutMs)
    return replies.map((reply, i) => unitResult(reply, units[i] as Unit))
  }

  #keysOf({ collections, groups, streamKeys }: Targets): string[] {
    const ofCollections = collections.flatMap(({ name, keepMs }) =>
      keepMs === undefined ? collectionKeys(this.#keys, name) : expiringKeys(this.#keys, name)
    )
    const ofGroups = groups.map((name) => groupKeys(this.#keys, name).attachments)
    return [...ofCollections, ...ofGroups, ...streamKeys.map((key) => streamIndexKey(this.#keys, key))]
  }

  /** An error may say that nothing was written: that is not so where units before are committed. */
  #reject(error: unknown, before: readonly UnitResult[], count: number): never {
    const committed = before.filter(({ kind }) => kind === 'committed').length
    if (committed === 0) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const message = `Of ${count} units the first ${before.length} were settled, and ${committed} of them committed. The others failed: ${reason}`
    throw new EventSystemError('log_timeout', message, { cause: error })
  }
}

/** Whether it does more than to change what is pending in groups: where that is lost, an entry is handed out once more. */
function leavesSomething({ append, cursors, write }: Unit): boolean {
  return append !== undefined || cursors !== undefined || write !== undefined
}

/** Cuts units into steps of a bounded size. */
function stepsOf(units: readonly Unit[]): Unit[][] {
  const steps: Unit[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const unit of units) {
    const size = sizeOf(unit)
    if (bytes + size > STEP_BYTES) {
      steps.push([])
      bytes = 0
    }
    steps.at(-1)?.push(unit)
    bytes += size
  }
  return steps
}
