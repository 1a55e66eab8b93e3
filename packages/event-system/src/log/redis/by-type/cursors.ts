import type { Checkpoint, CursorInfo, Cursors, Position } from '../../port.ts'
import { assertCursorName } from '../../unit-terms.ts'
import type { Connection } from '../connection.ts'
import { cursorTexts, parsedCursor, RedisCursors } from '../cursors.ts'
import type { LogKeys } from '../keys.ts'
import { ageBehind, lagBehind, type StreamState, streamState } from '../lag.ts'
import { compareKnownIds } from '../message-id.ts'
import { runScript } from '../scripts.ts'
import { endsOf } from './ends.ts'
import { checkpointOf, NOTHING, vectorOf } from './ids.ts'
import type { MergedReader } from './merged-reader.ts'
import type { Partition, Partitions } from './partitions.ts'

/** Cursors that have a place in each partition, in the same hash as others. */
export class CursorsByType implements Cursors {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions
  readonly #reader: MergedReader
  readonly #plain: RedisCursors

  constructor(connection: Connection, keys: LogKeys, partitions: Partitions, reader: MergedReader) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
    this.#reader = reader
    this.#plain = new RedisCursors(connection, keys)
  }

  async get(name: string): Promise<CursorInfo | undefined> {
    assertCursorName(name)
    const text = await this.#connection.read<string | null>(['HGET', this.#keys.cursors, name])
    if (text === null) return undefined
    return this.#info(name, text, await this.#states())
  }

  positions(names: readonly string[]): Promise<(Checkpoint | undefined)[]> {
    return this.#plain.positions(names)
  }

  async create(name: string, at: Position, { guards = true }: { guards?: boolean } = {}): Promise<boolean> {
    assertCursorName(name)
    const partitions = await this.#partitions.refresh()
    const position = checkpointOf(await this.#withinEnds(await this.#reader.vectorAt(at, partitions), partitions))
    const args = [name, position, guards ? '1' : '0']
    return (await runScript<number>(this.#connection.durable, 'putCursor', [this.#keys.cursors], args)) === 1
  }

  /** What is beyond the newest entry of a partition counts as its end. */
  async #withinEnds(vector: readonly string[], partitions: readonly Partition[]): Promise<string[]> {
    const ends = await endsOf(this.#connection, partitions)
    return ends.map(({ lastGiven }, number) => {
      const place = vector[number] ?? NOTHING
      return compareKnownIds(lastGiven, place) < 0 ? lastGiven : place
    })
  }

  remove(name: string): Promise<boolean> {
    return this.#plain.remove(name)
  }

  async infos(): Promise<CursorInfo[]> {
    const texts = await cursorTexts(this.#connection, this.#keys.cursors)
    if (texts.length === 0) return []
    const states = await this.#states()
    return Promise.all(texts.map(([name, text]) => this.#info(name, text, states)))
  }

  async #states(): Promise<StreamState[]> {
    const partitions = await this.#partitions.refresh()
    return Promise.all(partitions.map(({ keys }) => streamState(this.#connection, keys.stream)))
  }

  async #info(name: string, text: string, states: readonly StreamState[]): Promise<CursorInfo> {
    const cursor = parsedCursor(text)
    const vector = vectorOf(cursor.position)
    const places = states.map((state, number) => ({ state, place: vector[number] ?? NOTHING }))
    const [lags, ages] = await Promise.all([
      Promise.all(places.map(({ state, place }) => lagBehind(this.#connection, state, place))),
      Promise.all(places.map(({ state, place }) => ageBehind(this.#connection, state, place)))
    ])
    return { name, ...cursor, lag: sumOfLags(lags), lagMs: Math.max(0, ...ages) }
  }
}

/** `null` where one of them is not known. */
export function sumOfLags(lags: readonly (number | null)[]): number | null {
  let sum = 0
  for (const lag of lags) {
    if (lag === null) return null
    sum += lag
  }
  return sum
}
