import { counted, EventSystemError } from '@tradpal/events'
import type { ShardingState } from '../sharding/index.ts'
import type { ShardingSituation } from './sharding-store.ts'

/** A group cut into shards that nobody has had. */
export function uncut(shards: number, epoch = 0): ShardingState {
  return { shards, members: {}, tenures: Array.from({ length: shards }, () => ({ member: null, epoch })) }
}

/**
 * The state from which a member takes its share. When the group is cut into another number of shards it is cut anew, if
 * no other member lives and nothing is pending; throws `group_conflict` otherwise. Epochs go on growing.
 */
export function stateFor(
  { state, now, pending }: ShardingSituation,
  member: string,
  group: string,
  shards: number
): { state: ShardingState | null; cutsAnew: boolean } {
  if (state === null || state.shards === shards) return { state, cutsAnew: false }
  const others = Object.entries(state.members).filter(([name, endsAt]) => name !== member && endsAt > now)
  if (others.length === 0 && pending === 0) {
    return { state: uncut(shards, Math.max(...state.tenures.map(({ epoch }) => epoch))), cutsAnew: true }
  }
  const because =
    others.length > 0
      ? `members live (${others.map(([name]) => name).join(', ')})`
      : `it has ${counted(pending, 'entry', 'entries')} pending`
  throw new EventSystemError(
    'group_conflict',
    `The group ${group} is cut into ${counted(state.shards, 'shard')}, not ${shards}, and that cannot be changed while ${because}.`
  )
}
