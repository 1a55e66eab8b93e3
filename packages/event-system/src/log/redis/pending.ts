import { isDeepStrictEqual } from 'node:util'
import type { MessageId, PendingEntry, PendingTexts } from '../port.ts'
import type { ShardingState } from '../sharding/index.ts'
import type { Connection, Reply } from './connection.ts'
import { isNobody, shardHolder, shardOfHolder } from './holders.ts'
import type { GroupKeys } from './keys.ts'
import { compareMessageIds, mustBeMessageId, timeOfMessageId } from './message-id.ts'
import { rewriteAll } from './rewriting.ts'
import { runScript } from './scripts.ts'
import { parseSharding } from './sharding-store.ts'

/** A group of a stream, and what it keeps. */
interface GroupOfStream {
  readonly stream: string
  readonly group: string
  readonly keys: GroupKeys
}

type PendingRow = [messageId: string, holder: string, idleMs: number, deliveries: number]

/** A page of what is pending in a group, where XPENDING begins at `from`; of one consumer, or of the shards that it has, or of all. */
export async function pendingPage(
  connection: Connection,
  group: GroupOfStream,
  { from, limit, consumer }: { from: string; limit: number; consumer: string | undefined }
): Promise<PendingEntry[]> {
  const state = await shardingOf(connection, group)
  const holders = consumer === undefined ? [[]] : [[consumer], ...shardsOf(state, consumer)]
  const pages = await Promise.all(
    holders.map((holder) =>
      connection.read<PendingRow[]>(['XPENDING', group.stream, group.group, from, '+', String(limit), ...holder])
    )
  )
  const rows = pages.length === 1 ? pages.flat() : pages.flat().sort(([a], [b]) => compareMessageIds(a, b))
  return described(connection, group, rows.slice(0, limit), state)
}

/** What is pending of these ids, in log order; of one consumer, or of all. */
export async function pendingOf(
  connection: Connection,
  group: GroupOfStream,
  messageIds: readonly MessageId[],
  consumer: string | undefined
): Promise<PendingEntry[]> {
  const ids = [...new Set(messageIds.map(mustBeMessageId))].sort(compareMessageIds)
  const pending = ['XPENDING', group.stream, group.group]
  const [state, , ...found] = await Promise.all([
    shardingOf(connection, group),
    // Without the group it is refused here, be it that nothing is asked for.
    connection.read<Reply>(pending),
    ...ids.map((id) => connection.read<PendingRow[]>([...pending, id, id, '1']))
  ])
  const entries = await described(connection, group, found.flat(), state)
  return entries.filter((entry) => consumer === undefined || entry.consumer === consumer)
}

async function shardingOf(connection: Connection, { keys }: GroupOfStream): Promise<ShardingState | null> {
  return parseSharding(await connection.read<string | null>(['HGET', keys.sharding, 'state']))
}

async function described(
  connection: Connection,
  { keys }: GroupOfStream,
  rows: readonly PendingRow[],
  state: ShardingState | null
): Promise<PendingEntry[]> {
  const [notes, amended, attachments] = await Promise.all([
    keptOf(connection, keys.notes, rows),
    keptOf(connection, keys.amended, rows),
    keptOf(connection, keys.attachments, rows)
  ])
  return rows.map(([messageId, holder, idleMs, deliveries], i) => {
    const appendedAt = timeOfMessageId(messageId)
    const entry = { messageId, appendedAt, consumer: nameOf(holder, state), idleMs, deliveries }
    const [note = null, payload = null, attachment = null] = [notes[i], amended[i], attachments[i]]
    return {
      ...entry,
      ...(note !== null && { note }),
      ...(payload !== null && { amended: payload }),
      ...(attachment !== null && { attachment })
    }
  })
}

/** Writes what `change` makes of what a group keeps of pending entries. */
export async function rewritePending(
  connection: Connection,
  { stream, group, keys }: GroupOfStream,
  messageIds: readonly MessageId[],
  change: (texts: PendingTexts) => PendingTexts
): Promise<number> {
  const run = (args: readonly string[]) =>
    runScript<string[]>(connection, 'rewritePending', [stream, keys.notes, keys.amended], [group, ...args])
  // Without the group it is refused here, whatever there is to do.
  await run([])
  return rewriteAll(messageIds.map(mustBeMessageId), {
    read: (ids) => textsOf(connection, keys, ids),
    change: (from) => {
      const to = change(from)
      return isDeepStrictEqual(from, to) ? undefined : changeArguments(from, to)
    },
    write: run
  })
}

async function textsOf(connection: Connection, keys: GroupKeys, ids: readonly MessageId[]): Promise<PendingTexts[]> {
  if (ids.length === 0) return []
  const [notes, amended] = await Promise.all(
    [keys.notes, keys.amended].map((key) => connection.read<(string | null)[]>(['HMGET', key, ...ids]))
  )
  return ids.flatMap((messageId, i) => {
    const [note = null, payload = null] = [notes?.[i], amended?.[i]]
    if (note === null && payload === null) return []
    return [{ messageId, ...(note !== null && { note }), ...(payload !== null && { amended: payload }) }]
  })
}

/** What the script takes of one. */
function changeArguments(from: PendingTexts, to: PendingTexts): string[] {
  const kept = (before: string | undefined, after: string | undefined) =>
    before === undefined ? ['0', '', ''] : ['1', before, after ?? before]
  return [from.messageId, ...kept(from.note, to.note), ...kept(from.amended, to.amended)]
}

function shardsOf(state: ShardingState | null, name: string): [string][] {
  return (state?.tenures ?? []).flatMap(({ member }, shard) => (member === name ? [[shardHolder(shard)]] : []))
}

/** Whose it is, for people: of a shard, the member that has it; empty when nobody has. */
function nameOf(holder: string, state: ShardingState | null): string {
  if (isNobody(holder)) return ''
  const shard = shardOfHolder(holder)
  return shard === undefined ? holder : (state?.tenures[shard]?.member ?? '')
}

async function keptOf(connection: Connection, key: string, rows: readonly PendingRow[]): Promise<(string | null)[]> {
  if (rows.length === 0) return []
  return connection.read<(string | null)[]>(['HMGET', key, ...rows.map(([messageId]) => messageId)])
}
