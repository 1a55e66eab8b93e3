import type { ConsumerInfo, GroupInfo, MessageId } from '../port.ts'
import type { Connection, Reply } from './connection.ts'
import { NOBODY } from './dead-letters.ts'
import { fieldsOf } from './entries.ts'
import { isReply } from './errors.ts'
import { runScript } from './scripts.ts'

/** How many entries are counted, at most, when Redis itself cannot tell how far a group lags. */
const LAG_BOUND = 10_000

/** How every group of a stream stands. None when there is no stream. */
export async function groupInfos(connection: Connection, stream: string): Promise<GroupInfo[]> {
  const [groups, length] = await Promise.all([
    xinfo(connection, ['XINFO', 'GROUPS', stream]),
    connection.read<number>(['XLEN', stream])
  ])
  return Promise.all(groups.map((group) => groupInfo(connection, stream, length, fieldsOf(group))))
}

async function groupInfo(
  connection: Connection,
  stream: string,
  length: number,
  fields: Record<string, Reply>
): Promise<GroupInfo> {
  const name = fields.name as string
  const lastDeliveredId = fields['last-delivered-id'] as string
  const consumers = (await xinfo(connection, ['XINFO', 'CONSUMERS', stream, name])).map(toConsumerInfo)
  const lag = (fields.lag as number | null) ?? (await countBehind(connection, stream, lastDeliveredId))
  return {
    name,
    consumers: consumers.filter((consumer) => consumer.name !== NOBODY),
    pending: fields.pending as number,
    lastDeliveredId,
    // Redis counts what was trimmed before it was handed out as still to come.
    lag: lag === null ? null : Math.min(lag, length)
  }
}

function toConsumerInfo(reply: Reply): ConsumerInfo {
  const { name, pending, idle } = fieldsOf(reply)
  return { name: name as string, pending: pending as number, idleMs: idle as number }
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
