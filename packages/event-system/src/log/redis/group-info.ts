import type { ConsumerInfo, GroupInfo, MessageId } from '../port.ts'
import type { ShardingState } from '../sharding/index.ts'
import type { Connection, Reply } from './connection.ts'
import { type EntryReply, fieldsOf } from './entries.ts'
import { isReply } from './errors.ts'
import { isNobody, shardOfHolder } from './holders.ts'
import { groupKeys, type LogKeys } from './keys.ts'
import { compareKnownIds, timeOfMessageId } from './message-id.ts'
import { runScript } from './scripts.ts'
import { parseSharding } from './sharding-store.ts'

/** How many entries are counted, at most, when Redis itself cannot tell how far a group lags. */
const LAG_BOUND = 10_000

/** The names of the groups of a stream. None when there is no stream. */
export async function groupNamesIn(connection: Connection, stream: string): Promise<string[]> {
  return (await xinfo(connection, ['XINFO', 'GROUPS', stream])).map((reply) => fieldsOf(reply).name as string)
}

/** How every group of a log stands, or the one of a name. None when there is no stream. */
export async function groupInfos(connection: Connection, keys: LogKeys, name?: string): Promise<GroupInfo[]> {
  const [time, replies, stream] = await Promise.all([
    connection.read<[string, string]>(['TIME']),
    xinfo(connection, ['XINFO', 'GROUPS', keys.stream]),
    xinfo(connection, ['XINFO', 'STREAM', keys.stream])
  ])
  const now = Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000)
  const groups = replies.map(fieldsOf).filter((fields) => name === undefined || fields.name === name)
  return Promise.all(groups.map((fields) => groupInfo(connection, keys, { now, stream: fieldsOf(stream) }, fields)))
}

async function groupInfo(
  connection: Connection,
  log: LogKeys,
  { now, stream: state }: { now: number; stream: Record<string, Reply> },
  fields: Record<string, Reply>
): Promise<GroupInfo> {
  const name = fields.name as string
  const { stream } = log
  const keys = groupKeys(log, name)
  const lastDeliveredId = fields['last-delivered-id'] as string
  const [consumers, summary, [next], lag, retrying, [sharding, leaseMs]] = await Promise.all([
    xinfo(connection, ['XINFO', 'CONSUMERS', stream, name]),
    xinfo(connection, ['XPENDING', stream, name]),
    connection.read<EntryReply[]>(['XRANGE', stream, `(${lastDeliveredId}`, '+', 'COUNT', '1']),
    lagOf(connection, stream, state, fields),
    connection.read<number>(['HLEN', keys.notes]),
    connection.read<(string | null)[]>(['HMGET', keys.sharding, 'state', 'lease_ms'])
  ])
  const cut = parseSharding(sharding)
  const named = consumers.map(toConsumerInfo).filter((consumer) => !isNobody(consumer.name))
  const oldestPending = (summary[1] ?? null) as MessageId | null
  return {
    name,
    shards: cut?.shards ?? null,
    consumers: cut === null ? named : withMembers(named, cut, now, Number(leaseMs)),
    pending: fields.pending as number,
    retrying,
    oldestPendingMs: oldestPending === null ? null : Math.max(0, now - timeOfMessageId(oldestPending)),
    lastDeliveredId,
    lag,
    lagMs: next === undefined ? 0 : Math.max(0, now - timeOfMessageId(next[0]))
  }
}

function toConsumerInfo(reply: Reply): ConsumerInfo {
  const { name, pending, idle } = fieldsOf(reply)
  return { name: name as string, pending: pending as number, idleMs: idle as number, shards: [] }
}

/** The members that share by key instead of the consumers that stand for shards. What is pending of shards that nobody has is the consumer's without a name. */
function withMembers(
  consumers: readonly ConsumerInfo[],
  state: ShardingState,
  now: number,
  leaseMs: number
): ConsumerInfo[] {
  const ofShards = consumers.filter(({ name }) => shardOfHolder(name) !== undefined)
  const infoOf = (name: string, idleMs: number): ConsumerInfo => {
    const shards = state.tenures.flatMap(({ member }, shard) => ((member ?? '') === name ? [shard] : []))
    const own = ofShards.filter((consumer) => shards.includes(shardOfHolder(consumer.name) as number))
    return { name, pending: own.reduce((sum, { pending }) => sum + pending, 0), idleMs, shards }
  }
  const members = Object.entries(state.members).map(([name, endsAt]) =>
    infoOf(name, Math.max(0, now - endsAt + leaseMs))
  )
  const unassigned = infoOf('', Math.min(...ofShards.map(({ idleMs }) => idleMs)))
  const others = consumers.filter(({ name }) => !ofShards.some((shard) => shard.name === name))
  return [...others, ...members, ...(unassigned.pending > 0 ? [unassigned] : [])]
}

/**
 * How many entries stand behind the place of a group. Redis does not know it of a group that was set to the middle of the stream
 * (https://redis.io/docs/latest/commands/xinfo-groups/), counts entries that were trimmed before they were delivered, and
 * counts wrongly where a group has passed deleted entries: each of those is one too many for ever.
 */
async function lagOf(
  connection: Connection,
  stream: string,
  state: Record<string, Reply>,
  fields: Record<string, Reply>
): Promise<number | null> {
  const lastDelivered = fields['last-delivered-id'] as MessageId
  const length = state.length as number
  if (compareKnownIds(lastDelivered, state['last-generated-id'] as MessageId) >= 0) return 0
  if (compareKnownIds(lastDelivered, state['recorded-first-entry-id'] as MessageId) < 0) return length
  const hasDeletedSome = state['max-deleted-entry-id'] !== '0-0'
  if (!hasDeletedSome && typeof fields.lag === 'number') return Math.min(fields.lag, length)
  return countBehind(connection, stream, lastDelivered)
}

async function countBehind(connection: Connection, stream: string, id: MessageId): Promise<number | null> {
  const count = await runScript<number>(connection, 'countBehind', [stream], [id, String(LAG_BOUND)])
  return count < 0 ? null : count
}

async function xinfo(connection: Connection, command: string[]): Promise<Reply[]> {
  try {
    return await connection.read<Reply[]>(command)
  } catch (error) {
    if (isReply(error, 'ERR no such key') || isReply(error, 'NOGROUP')) return []
    throw error
  }
}
