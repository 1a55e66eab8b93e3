import type { MessageId, TrimOptions, TrimResult, TrimTarget } from '../../port.ts'
import { TrimSum } from '../../trim-sum.ts'
import { mustBeTrimTarget } from '../arguments.ts'
import type { Connection } from '../connection.ts'
import type { LogKeys } from '../keys.ts'
import { runScript } from '../scripts.ts'
import type { Streams } from '../streams.ts'
import { lengthToKeep, mustBeFewEnough, resultOf, STEP, type StepReply } from '../trimmer.ts'
import { placeOf } from './ids.ts'
import type { MeasuresByType } from './measures.ts'
import type { Partition, Partitions } from './partitions.ts'

interface Trim {
  readonly before: string
  readonly keep: number
  readonly force: boolean
  readonly dryRun: boolean
}

/** Removes entries from the streams of all types, in steps. */
export class TrimmerByType {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions
  readonly #measures: MeasuresByType
  readonly #streams: Streams

  constructor(
    connection: Connection,
    keys: LogKeys,
    partitions: Partitions,
    { measures, streams }: { measures: MeasuresByType; streams: Streams }
  ) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
    this.#measures = measures
    this.#streams = streams
  }

  /** What is older than a time goes from each partition by itself. To a length, the oldest of all go, up to the first that is guarded. */
  async trim(target: TrimTarget, { force = false, dryRun = false }: TrimOptions = {}): Promise<TrimResult> {
    mustBeTrimTarget(target)
    const before = 'before' in target ? String(target.before) : ''
    const keep = await lengthToKeep(this.#measures, target)
    const partitions = await this.#partitions.refresh()
    const sum = new TrimSum()
    const together = before === '' ? [partitions] : partitions.map((partition) => [partition])
    for (const some of together) await this.#trim(some, { before, keep, force, dryRun }, sum)
    if (!dryRun) await this.#streams.cut()
    return sum.result
  }

  async #trim(partitions: readonly Partition[], { before, keep, force, dryRun }: Trim, sum: TrimSum): Promise<void> {
    const keys = [this.#keys.cursors, this.#keys.stream, ...partitions.map(({ keys }) => keys.stream)]
    const bounds = [String(STEP), before, String(keep), force ? '1' : '0']
    const from = partitions.map(() => '-')
    for (let counted = 0; ; ) {
      const places = partitions.flatMap(({ number }, i) => [String(number), from[i] as string])
      const args = [...bounds, dryRun ? String(counted) : '', ...places]
      const reply = await runScript<[...StepReply, string[]]>(this.#connection, 'trimByType', keys, args)
      sum.add(resultOf(reply))
      const [removed, , , , lasts] = reply
      if (removed < STEP) return
      counted += removed
      if (!dryRun) continue
      for (const [i, last] of lasts.entries()) if (last !== '') from[i] = `(${last}`
    }
  }

  async remove(
    messageIds: readonly MessageId[],
    { force = false, dryRun = false }: TrimOptions = {}
  ): Promise<TrimResult> {
    mustBeFewEnough(messageIds)
    const places = [...new Set(messageIds)].map(placeOf)
    const partitions = await this.#partitions.refresh()
    const sum = new TrimSum()
    for (const { number, keys } of partitions) {
      const ids = places.filter(({ partition }) => partition === number).map(({ id }) => id)
      for (let from = 0; from < ids.length; from += STEP) {
        const args = [force ? '1' : '0', dryRun ? '1' : '0', String(number), ...ids.slice(from, from + STEP)]
        const script = [keys.stream, this.#keys.cursors, this.#keys.stream]
        sum.add(resultOf(await runScript<StepReply>(this.#connection, 'remove', script, args)))
      }
    }
    return sum.result
  }
}
