import type { ConsumerInfo, GroupInfo, MessageId } from '../port.ts'
import type { ShardingState } from '../sharding/index.ts'
import type { Connection, Reply } from './connection.ts'
import { type EntryReply, fieldsOf } from './entries.ts'
import { isReply } from './errors.ts'
import { isNobody, shardOfHolder } from './holders.ts'
import { groupKeys, type LogKeys } from './keys.ts'
import { greatestOf, leastOf, timeOfMessageId } from './message-id.ts'
import type { Partitions } from './partitions.ts'
import { runScript } from './scripts.ts'
import { parseSharding } from './sharding-store.ts'

/** How many entries are counted, at most, when Redis itself cannot tell how far a group lags. */
const LAG_BOUND = 10_000

/** The names of the groups of a stream. None when there is no stream. */
export async function groupNamesIn(connection: Connection, stream: string): Promise<string[]> {
  return (await xinfo(connection, ['XINFO', 'GROUPS', stream])).map((reply) => fieldsOf(reply).name as string)
}

/** How every group of a log stands, or the one of a name. */
export async function groupInfos(
  connection: Connection,
  keys: LogKeys,
  partitions: Partitions,
  name?: string
): Promise<GroupInfo[]> {
  await partitions.load()
  const { streams } = partitions
  const [time, ...standings] = await Promise.all([
    connection.read<[string, string]>(['TIME']),
    ...streams.map((stream) => standingsIn(connection, stream, name))
  ])
  const now = Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000)
  // A group that the log's own stream has not is none, whatever is left of it in others.
  const groups = (standings[0] ?? []).map((own) => standings.flat().filter((standing) => standing.name === own.name))
  return Promise.all(groups.map((ofGroup) => groupInfo(connection, keys, now, ofGroup)))
}

/** How a group stands in one stream. */
interface Standing {
  readonly name: string
  readonly consumers: readonly ConsumerInfo[]
  readonly pending: number
  readonly oldestPending: MessageId | null
  readonly lastDeliveredId: MessageId
  readonly next: MessageId | undefined
  readonly lag: number | null
}

/** None when there is no stream. */
async function standingsIn(connection: Connection, stream: string, name: string | undefined): Promise<Standing[]> {
  const [replies, length] = await Promise.all([
    xinfo(connection, ['XINFO', 'GROUPS', stream]),
    connection.read<number>(['XLEN', stream])
  ])
  const groups = replies.map(fieldsOf).filter((fields) => name === undefined || fields.name === name)
  return Promise.all(groups.map((fields) => standingIn(connection, stream, length, fields)))
}

async function standingIn(
  connection: Connection,
  stream: string,
  length: number,
  fields: Record<string, Reply>
): Promise<Standing> {
  const name = fields.name as string
  const lastDeliveredId = fields['last-delivered-id'] as string
  const [replies, summary, [next], lag] = await Promise.all([
    xinfo(connection, ['XINFO', 'CONSUMERS', stream, name]),
    xinfo(connection, ['XPENDING', stream, name]),
    connection.read<EntryReply[]>(['XRANGE', stream, `(${lastDeliveredId}`, '+', 'COUNT', '1']),
    (fields.lag as number | null) ?? countBehind(connection, stream, lastDeliveredId)
  ])
  return {
    name,
    consumers: replies.map(toConsumerInfo).filter((consumer) => !isNobody(consumer.name)),
    pending: fields.pending as number,
    oldestPending: (summary[1] ?? null) as MessageId | null,
    lastDeliveredId,
    next: next?.[0],
    // Redis counts what was trimmed before it was handed out as still to come.
    lag: lag === null ? null : Math.min(lag, length)
  }
}

async function groupInfo(
  connection: Connection,
  log: LogKeys,
  now: number,
  standings: readonly Standing[]
): Promise<GroupInfo> {
  const name = standings[0]?.name as string
  const keys = groupKeys(log, name)
  const [retrying, [sharding, leaseMs]] = await Promise.all([
    connection.read<number>(['HLEN', keys.notes]),
    connection.read<(string | null)[]>(['HMGET', keys.sharding, 'state', 'lease_ms'])
  ])
  const state = parseSharding(sharding)
  const consumers = oneOfEachName(standings.flatMap(({ consumers }) => consumers))
  const pending = standings.flatMap(({ oldestPending }) => oldestPending ?? [])
  const behind = standings.flatMap(({ next }) => next ?? [])
  const lags = standings.map(({ lag }) => lag)
  return {
    name,
    shards: state?.shards ?? null,
    consumers: state === null ? consumers : withMembers(consumers, state, now, Number(leaseMs)),
    pending: standings.reduce((sum, standing) => sum + standing.pending, 0),
    retrying,
    oldestPendingMs: pending.length === 0 ? null : Math.max(0, now - timeOfMessageId(leastOf(pending))),
    lastDeliveredId: greatestOf(standings.map(({ lastDeliveredId }) => lastDeliveredId)),
    lag: lags.reduce<number | null>((sum, lag) => (sum === null || lag === null ? null : sum + lag), 0),
    lagMs: behind.length === 0 ? 0 : Math.max(0, now - timeOfMessageId(leastOf(behind)))
  }
}

function toConsumerInfo(reply: Reply): ConsumerInfo {
  const { name, pending, idle } = fieldsOf(reply)
  return { name: name as string, pending: pending as number, idleMs: idle as number, shards: [] }
}

/** A consumer of several streams is one. */
function oneOfEachName(consumers: readonly ConsumerInfo[]): ConsumerInfo[] {
  const byName = new Map<string, ConsumerInfo>()
  for (const consumer of consumers) {
    const { name, pending, idleMs } = byName.get(consumer.name) ?? { ...consumer, pending: 0 }
    const least = Math.min(idleMs, consumer.idleMs)
    byName.set(name, { name, pending: pending + consumer.pending, idleMs: least, shards: [] })
  }
  return [...byName.values()]
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

/** Redis loses count of a group that was set to the middle of the stream (https://redis.io/docs/latest/commands/xinfo-groups/). */
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
