import { EventSystemError } from '@tradpal/events'
import type { Unit, UnitResult } from '../port.ts'
import { assertUnits } from '../unit-terms.ts'
import type { Connection } from './connection.ts'
import { NOBODY } from './holders.ts'
import { collectionKeys, expiringKeys, type LogKeys, streamIndexKey } from './keys.ts'
import type { ResolvedRedisStorageOptions } from './options.ts'
import type { Placing } from './placing.ts'
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
  readonly #placing: Placing
  readonly #window: string
  readonly #timeoutMs: number

  constructor(connection: Connection, keys: LogKeys, placing: Placing, options: CommitterOptions) {
    this.#connection = connection
    this.#keys = keys
    this.#placing = placing
    this.#window = String(options.deduplicationWindowMs)
    this.#timeoutMs = options.timeoutMs
  }

  async commit(
    units: readonly Unit[],
    { timeoutMs = this.#timeoutMs }: { timeoutMs?: number } = {}
  ): Promise<UnitResult[]> {
    assertUnits(units)
    assertUnitTexts(units, this.#placing)
    const deadline = performance.now() + timeoutMs
    const learning = this.#placing.know(partitionsOf(units, this.#placing))
    if (learning !== undefined) await learning
    const results: UnitResult[] = []
    for (const step of stepsOf(units)) {
      const leftMs = results.length === 0 ? timeoutMs : Math.max(1, deadline - performance.now())
      results.push(...(await this.#step(step, leftMs).catch((error) => this.#reject(error, results, units.length))))
    }
    return results
  }

  async #step(units: readonly Unit[], timeoutMs: number): Promise<UnitResult[]> {
    const { stream, deduplication, versions, leases, cursors, streams } = this.#keys
    const targets = targetsOf(units, this.#placing)
    const keys = [stream, ...deduplication, versions, leases, cursors, streams, ...this.#keysOf(targets)]
    const keeps = targets.collections.map(({ keepMs = '' }) => String(keepMs))
    const args = [
      this.#window,
      NOBODY,
      String(keeps.length),
      ...keeps,
      String(targets.groups.length),
      ...targets.groups.map(({ group }) => group),
      ...streamKeyArguments(targets.streamKeys),
      ...targets.placed.args,
      ...units.flatMap((unit) => unitArguments(unit, targets))
    ]
    const writer = units.some(leavesSomething) ? this.#connection.durable : this.#connection
    const replies = await runScript<UnitReply[]>(writer, this.#placing.scripts.commit, keys, args, timeoutMs)
    const results = replies.map((reply, i) => unitResult(reply, units[i] as Unit))
    for (const result of results) if (result.kind === 'committed') this.#placing.learn(result.appended)
    return results
  }

  #keysOf({ collections, groups, streamKeys, placed }: Targets): string[] {
    const ofCollections = collections.flatMap(({ name, keepMs }) =>
      keepMs === undefined ? collectionKeys(this.#keys, name) : expiringKeys(this.#keys, name)
    )
    const ofGroups = groups.flatMap(({ group, partition }) => this.#placing.groupTarget(group, partition))
    const indexes = streamKeys.map((key) => streamIndexKey(this.#keys, key))
    return [...ofCollections, ...ofGroups, ...indexes, ...placed.keys]
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

function* partitionsOf(units: readonly Unit[], placing: Placing): Generator<number> {
  for (const { acknowledge = [], attach = [], requeue = [] } of units) {
    for (const { messageId } of [...acknowledge, ...attach, ...requeue]) yield placing.placeOf(messageId).partition
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
