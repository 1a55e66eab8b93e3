import type { ShardingState } from '../sharding/index.ts'
import type { Connection } from './connection.ts'

const LOAD = 'SELECT state FROM sharding WHERE grp = ?'
const STORE = 'INSERT INTO sharding (grp, state) VALUES (?, ?) ON CONFLICT (grp) DO UPDATE SET state = excluded.state'

/** Who has which shard of a group. To be called inside a step of the connection. */
export function loadSharding(connection: Connection, group: string): ShardingState | null {
  const row = connection.statement(LOAD).get(group)
  return row === undefined ? null : (JSON.parse(String(row.state)) as ShardingState)
}

export function storeSharding(connection: Connection, group: string, state: ShardingState): void {
  connection.statement(STORE).run(group, JSON.stringify(state))
}
