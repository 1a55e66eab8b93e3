import { groupOfCursor } from '../partitioned/index.ts'
import type { Checkpoint, CursorInfo, Cursors, MessageId, Position } from '../port.ts'
import { assertCursorName } from '../unit-terms.ts'
import type { Connection } from './connection.ts'
import type { LogKeys } from './keys.ts'
import { ageBehind, lagBehind, type StreamState, streamState } from './lag.ts'
import { deliveredUpTo } from './message-id.ts'
import { runScript } from './scripts.ts'

/** Cursors, in one hash: see scripts/include/cursor.lua. */
export class RedisCursors implements Cursors {
  readonly #connection: Connection
  readonly #keys: LogKeys

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
  }

  async get(name: string): Promise<CursorInfo | undefined> {
    assertCursorName(name)
    const [text, state] = await Promise.all([
      this.#connection.read<string | null>(['HGET', this.#keys.cursors, name]),
      streamState(this.#connection, this.#keys.stream)
    ])
    return text === null ? undefined : cursorInfo(this.#connection, state, name, text)
  }

  async positions(names: readonly string[]): Promise<(MessageId | undefined)[]> {
    for (const name of names) assertCursorName(name)
    if (names.length === 0) return []
    const texts = await this.#connection.read<(string | null)[]>(['HMGET', this.#keys.cursors, ...names])
    return texts.map((text) => text?.split(' ')[0])
  }

  async create(name: string, at: Position, { guards = true }: { guards?: boolean } = {}): Promise<boolean> {
    assertCursorName(name)
    const { stream, cursors } = this.#keys
    const args = [name, deliveredUpTo(at), guards ? '1' : '0']
    return (await runScript<number>(this.#connection.durable, 'createCursor', [stream, cursors], args)) === 1
  }

  async remove(name: string): Promise<boolean> {
    assertCursorName(name)
    return (await this.#connection.durable.write<number>(['HDEL', this.#keys.cursors, name])) === 1
  }
}

/** How every cursor of a log stands, but for those of its partitioned groups. */
export async function cursorInfos(connection: Connection, { stream, cursors }: LogKeys): Promise<CursorInfo[]> {
  const [texts, state] = await Promise.all([cursorTexts(connection, cursors), streamState(connection, stream)])
  return Promise.all(texts.map(([name, text]) => cursorInfo(connection, state, name, text)))
}

/** The names of all cursors, but for those of partitioned groups, and what the hash has of each. */
export async function cursorTexts(connection: Connection, cursors: string): Promise<[name: string, text: string][]> {
  const fields = await connection.read<string[]>(['HGETALL', cursors])
  const texts: [string, string][] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (groupOfCursor(name) === undefined) texts.push([name, fields[i + 1] as string])
  }
  return texts
}

/** What the hash has of a cursor. */
export function parsedCursor(text: string): Pick<CursorInfo, 'position' | 'movedAt' | 'guards'> {
  const [position, movedAt, guards] = text.split(' ') as [Checkpoint, string, string]
  return { position, movedAt: Number(movedAt), guards: guards === '1' }
}

async function cursorInfo(connection: Connection, state: StreamState, name: string, text: string): Promise<CursorInfo> {
  const cursor = parsedCursor(text)
  const { position } = cursor
  const [lag, lagMs] = await Promise.all([
    lagBehind(connection, state, position),
    ageBehind(connection, state, position)
  ])
  return { name, ...cursor, lag, lagMs }
}
