import type { ConsumerInfo, GroupInfo, MessageId } from '../port.ts'
import type { Connection, Reply } from './connection.ts'
import { fieldsOf } from './entries.ts'
import { isNobody } from './holders.ts'
import { groupKeys, type LogKeys } from './keys.ts'
import { ageBehind, lagBehind, type StreamState, streamState, xinfo } from './lag.ts'
import { compareKnownIds, justBefore, timeOfMessageId } from './message-id.ts'

/** The names of the groups of a stream. None when there is no stream. */
export async function groupNamesIn(connection: Connection, stream: string): Promise<string[]> {
  return (await xinfo(connection, ['XINFO', 'GROUPS', stream])).map((reply) => fieldsOf(reply).name as string)
}

/** How every group of a log stands, or the one of a name. None when there is no stream. */
export async function groupInfos(connection: Connection, keys: LogKeys, name?: string): Promise<GroupInfo[]> {
  const [replies, state] = await Promise.all([
    xinfo(connection, ['XINFO', 'GROUPS', keys.stream]),
    streamState(connection, keys.stream)
  ])
  const groups = replies.map(fieldsOf).filter((fields) => name === undefined || fields.name === name)
  const infos = await Promise.all(groups.map((fields) => groupInfo(connection, keys, state, fields)))
  return infos.filter((info) => info !== undefined)
}

/**
 * How a group stands, of which XINFO GROUPS has said `fields`: undefined when it was dropped meanwhile. What is pending is asked for after
 * the last delivered id: an entry up to that id is pending then, or acknowledged.
 */
async function groupInfo(
  connection: Connection,
  log: LogKeys,
  state: StreamState,
  fields: Record<string, Reply>
): Promise<GroupInfo | undefined> {
  const name = fields.name as string
  const { stream, now } = state
  const lastDelivered = fields['last-delivered-id'] as string
  const [consumers, summary, lagMs, lag, retrying] = await Promise.all([
    xinfo(connection, ['XINFO', 'CONSUMERS', stream, name]),
    xinfo(connection, ['XPENDING', stream, name]),
    ageBehind(connection, state, lastDelivered),
    lagBehind(connection, state, lastDelivered, toldLag(state, fields)),
    connection.read<number>(['HLEN', groupKeys(log, name).attachments])
  ])
  if (summary.length === 0) return undefined
  const oldestPending = (summary[1] ?? null) as MessageId | null
  return {
    name,
    partitions: null,
    consumers: consumers.map(toConsumerInfo).filter((consumer) => !isNobody(consumer.name)),
    pending: fields.pending as number,
    retrying,
    oldestPendingMs: oldestPending === null ? null : Math.max(0, now - timeOfMessageId(oldestPending)),
    lastDelivered,
    acknowledgedTo: acknowledgedTo(lastDelivered, oldestPending),
    lag,
    lagMs
  }
}

/** A group that was moved back may have pending entries behind the last delivered one. */
function acknowledgedTo(lastDelivered: MessageId, oldestPending: MessageId | null): MessageId {
  if (oldestPending === null || compareKnownIds(lastDelivered, oldestPending) < 0) return lastDelivered
  return justBefore(oldestPending)
}

function toConsumerInfo(reply: Reply): ConsumerInfo {
  const { name, pending, idle } = fieldsOf(reply)
  return { name: name as string, pending: pending as number, idleMs: idle as number, partitions: [] }
}

/**
 * What Redis itself says of the lag of a group. It does not know it of a group that was set to the middle of the stream
 * (https://redis.io/docs/latest/commands/xinfo-groups/), counts entries that were trimmed before they were delivered, and
 * counts wrongly where a group has passed deleted entries: each of those is one too many for ever.
 */
function toldLag({ info }: StreamState, { lag }: Record<string, Reply>): number | undefined {
  if (info['max-deleted-entry-id'] !== '0-0' || typeof lag !== 'number') return undefined
  return Math.min(lag, info.length as number)
}
