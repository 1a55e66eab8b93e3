import { EventSystemError } from '@tradpal/events'
import type { MessageId, TrimOptions, TrimResult, TrimTarget } from '../port.ts'
import { type Loss, lossesOf, TrimSum } from '../trim-sum.ts'
import { mustBeTrimTarget } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { LogKeys } from './keys.ts'
import type { Measures } from './measures.ts'
import type { Placing } from './placing.ts'
import { runScript } from './scripts.ts'
import type { Streams } from './streams.ts'

/** One step looks at so many entries: the server does nothing else meanwhile. */
const STEP = 500
/** So many entries can be removed in one call. */
const MOST_TO_REMOVE = 10_000

/** The answer of one step of a trim. `lostBy` has `group <name>` or `cursor <name>`, and a count, in turn. */
type StepReply = [removed: number, lost: number, guarded: number, lostBy: (string | number)[]]

/** A stream of a log. */
export interface TrimmedStream {
  /** Of the partition. */
  readonly number: number
  readonly keys: Pick<LogKeys, 'stream'>
}

export interface TrimmerParts {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly placing: Pick<Placing, 'placeOf'>
  /** The streams that the log has by now, that of partition 0 first. */
  readonly partitions: () => Promise<readonly TrimmedStream[]>
  readonly measures: Pick<Measures, 'length' | 'bytesOfEvents'>
  readonly streams: Streams
}

interface Trim {
  readonly before: string
  readonly keep: number
  readonly force: boolean
  readonly dryRun: boolean
}

/** Removes entries from the streams of a log, in steps, so that the server is never held for long: what is appended meanwhile is kept. */
export class Trimmer {
  readonly #parts: TrimmerParts

  constructor(parts: TrimmerParts) {
    this.#parts = parts
  }

  /** What is older than a time goes from each stream by itself. To a length, the oldest of all go, up to the first that is guarded. */
  async trim(target: TrimTarget, { force = false, dryRun = false }: TrimOptions = {}): Promise<TrimResult> {
    mustBeTrimTarget(target)
    const before = 'before' in target ? String(target.before) : ''
    const keep = await lengthToKeep(this.#parts.measures, target)
    const partitions = await this.#parts.partitions()
    const sum = new TrimSum()
    const together = before === '' ? [partitions] : partitions.map((partition) => [partition])
    for (const some of together) await this.#trim(some, { before, keep, force, dryRun }, sum)
    if (!dryRun) await this.#parts.streams.cut()
    return sum.result
  }

  async #trim(
    partitions: readonly TrimmedStream[],
    { before, keep, force, dryRun }: Trim,
    sum: TrimSum
  ): Promise<void> {
    const { connection, keys } = this.#parts
    const of = [keys.cursors, keys.stream, ...partitions.map((partition) => partition.keys.stream)]
    const bounds = [String(STEP), before, String(keep), force ? '1' : '0']
    const from = partitions.map(() => '-')
    for (let counted = 0; ; ) {
      const places = partitions.flatMap(({ number }, i) => [String(number), from[i] as string])
      const args = [...bounds, dryRun ? String(counted) : '', ...places]
      const reply = await runScript<[...StepReply, string[]]>(connection, 'trim', of, args)
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
    const { connection, keys, placing } = this.#parts
    const places = [...new Set(messageIds)].map((messageId) => placing.placeOf(messageId))
    const sum = new TrimSum()
    for (const { number, keys: of } of await this.#parts.partitions()) {
      const ids = places.filter(({ partition }) => partition === number).map(({ id }) => id)
      for (let from = 0; from < ids.length; from += STEP) {
        const args = [force ? '1' : '0', dryRun ? '1' : '0', String(number), ...ids.slice(from, from + STEP)]
        const reply = await runScript<StepReply>(connection, 'remove', [of.stream, keys.cursors, keys.stream], args)
        sum.add(resultOf(reply))
      }
    }
    return sum.result
  }
}

/** Of how many entries a log is to be. Bytes are those that Redis takes for the events, by their average, so that `maxBytes` is approximate. */
async function lengthToKeep(measures: TrimmerParts['measures'], target: TrimTarget): Promise<number> {
  if ('before' in target) return 0
  if ('maxLength' in target) return target.maxLength
  const [length, bytes] = await Promise.all([measures.length(), measures.bytesOfEvents()])
  return bytes <= target.maxBytes ? length : Math.floor(length * (target.maxBytes / bytes))
}

/** Throws `invalid_argument` for more than can be removed at once. */
function mustBeFewEnough(messageIds: readonly MessageId[]): void {
  if (messageIds.length <= MOST_TO_REMOVE) return
  const message = `At most ${MOST_TO_REMOVE} entries can be removed in one call, got ${messageIds.length}.`
  throw new EventSystemError('invalid_argument', message)
}

function resultOf([removed, lost, guarded, lostBy]: readonly [...StepReply, ...unknown[]]): TrimResult {
  const losses: Loss[] = []
  for (let i = 0; i < lostBy.length; i += 2) {
    const [, kind, name] = /^(group|cursor) (.*)$/s.exec(lostBy[i] as string) as unknown as [
      string,
      Loss['kind'],
      string
    ]
    addLoss(losses, { kind, name, lost: lostBy[i + 1] as number })
  }
  return { removed, lost, ...lossesOf(losses), guarded: guarded === 1 }
}

/** A guard loses in each partition. */
function addLoss(losses: Loss[], loss: Loss): void {
  const at = losses.findIndex(({ kind, name }) => kind === loss.kind && name === loss.name)
  if (at < 0) losses.push(loss)
  else losses[at] = { ...loss, lost: loss.lost + (losses[at] as Loss).lost }
}
