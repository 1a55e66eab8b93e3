import type { MessageId } from '../port.ts'
import type { Connection, Reply } from './connection.ts'
import { type EntryReply, fieldsOf } from './entries.ts'
import { isReply } from './errors.ts'
import { compareKnownIds, timeOfMessageId } from './message-id.ts'
import { runScript } from './scripts.ts'

/** How many entries are counted, at most, when Redis itself cannot tell how many there are behind a place. */
const LAG_BOUND = 10_000

/** A stream at one time. */
export interface StreamState {
  readonly stream: string
  /** The time of the server, in ms since the epoch. */
  readonly now: number
  /** What XINFO STREAM says; nothing without a stream. */
  readonly info: Readonly<Record<string, Reply>>
}

export async function streamState(connection: Connection, stream: string): Promise<StreamState> {
  const [time, info] = await Promise.all([
    connection.read<[string, string]>(['TIME']),
    xinfo(connection, ['XINFO', 'STREAM', stream])
  ])
  return { stream, now: Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000), info: fieldsOf(info) }
}

/** How many entries stand behind a place. `told`: what Redis itself says of it, of a place inside the stream. `null` when counting would read too much. */
export async function lagBehind(
  connection: Connection,
  { stream, info }: StreamState,
  place: MessageId,
  told?: number
): Promise<number | null> {
  const last = info['last-generated-id'] as MessageId | undefined
  if (last === undefined || compareKnownIds(place, last) >= 0) return 0
  if (compareKnownIds(place, info['recorded-first-entry-id'] as MessageId) < 0) return info.length as number
  if (told !== undefined) return told
  const count = await runScript<number>(connection, 'countBehind', [stream], [place, String(LAG_BOUND)])
  return count < 0 ? null : count
}

/** The age of the first entry behind a place, in ms; 0 when there is none. */
export async function ageBehind(
  connection: Connection,
  { stream, now }: StreamState,
  place: MessageId
): Promise<number> {
  const [next] = await connection.read<EntryReply[]>(['XRANGE', stream, `(${place}`, '+', 'COUNT', '1'])
  return next === undefined ? 0 : Math.max(0, now - timeOfMessageId(next[0]))
}

/** What XINFO or XPENDING answers; nothing without the stream or the group. */
export async function xinfo(connection: Connection, command: string[]): Promise<Reply[]> {
  try {
    return await connection.read<Reply[]>(command)
  } catch (error) {
    if (isReply(error, 'ERR no such key') || isReply(error, 'NOGROUP')) return []
    throw error
  }
}
