import { EventSystemError } from '@tradpal/events'
import type { MessageId, TrimOptions, TrimResult, TrimTarget } from '../port.ts'
import { type Loss, lossesOf, TrimSum } from '../trim-sum.ts'
import { mustBeTrimTarget } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { LogKeys } from './keys.ts'
import type { Measures } from './measures.ts'
import { mustBeMessageId } from './message-id.ts'
import { runScript } from './scripts.ts'
import type { Streams } from './streams.ts'

/** One step looks at so many entries: the server does nothing else meanwhile. */
export const STEP = 500
/** So many entries can be removed in one call. */
const MOST_TO_REMOVE = 10_000

/** The answer of one step of a trim. `lostBy` has `group <name>` or `cursor <name>`, and a count, in turn. */
export type StepReply = [removed: number, lost: number, guarded: number, lostBy: (string | number)[]]

/** Removes entries, in steps, so that the server is never held for long: what is appended meanwhile is kept. */
export class Trimmer {
  readonly #connection: Connection
  readonly #keys: readonly string[]
  readonly #measures: Measures
  readonly #streams: Streams

  constructor(connection: Connection, { stream, cursors }: LogKeys, measures: Measures, streams: Streams) {
    this.#connection = connection
    this.#keys = [stream, cursors]
    this.#measures = measures
    this.#streams = streams
  }

  async trim(target: TrimTarget, { force = false, dryRun = false }: TrimOptions = {}): Promise<TrimResult> {
    mustBeTrimTarget(target)
    const before = 'before' in target ? String(target.before) : ''
    const bounds = [String(STEP), before, String(await lengthToKeep(this.#measures, target)), force ? '1' : '0']
    const sum = new TrimSum()
    for (let from = '-'; ; ) {
      const args = [...bounds, from, dryRun ? String(sum.result.removed) : '']
      const reply = await runScript<[...StepReply, string]>(this.#connection, 'trim', this.#keys, args)
      sum.add(resultOf(reply))
      const [removed, , , , last] = reply
      if (removed < STEP) break
      if (dryRun) from = `(${last}`
    }
    if (!dryRun) await this.#streams.cut()
    return sum.result
  }

  async remove(
    messageIds: readonly MessageId[],
    { force = false, dryRun = false }: TrimOptions = {}
  ): Promise<TrimResult> {
    mustBeFewEnough(messageIds)
    const sum = new TrimSum()
    const ids = [...new Set(messageIds.map(mustBeMessageId))]
    const [stream = '', cursors = ''] = this.#keys
    for (let from = 0; from < ids.length; from += STEP) {
      const args = [force ? '1' : '0', dryRun ? '1' : '0', '0', ...ids.slice(from, from + STEP)]
      sum.add(resultOf(await runScript<StepReply>(this.#connection, 'remove', [stream, cursors, stream], args)))
    }
    return sum.result
  }
}

/** Of how many entries a log is to be. Bytes are those that Redis takes for the events, by their average, so that `maxBytes` is approximate. */
export async function lengthToKeep(
  measures: Pick<Measures, 'length' | 'bytesOfEvents'>,
  target: TrimTarget
): Promise<number> {
  if ('before' in target) return 0
  if ('maxLength' in target) return target.maxLength
  const [length, bytes] = await Promise.all([measures.length(), measures.bytesOfEvents()])
  return bytes <= target.maxBytes ? length : Math.floor(length * (target.maxBytes / bytes))
}

/** Throws `invalid_argument` for more than can be removed at once. */
export function mustBeFewEnough(messageIds: readonly MessageId[]): void {
  if (messageIds.length <= MOST_TO_REMOVE) return
  const message = `At most ${MOST_TO_REMOVE} entries can be removed in one call, got ${messageIds.length}.`
  throw new EventSystemError('invalid_argument', message)
}

export function resultOf([removed, lost, guarded, lostBy]: readonly [...StepReply, ...unknown[]]): TrimResult {
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
