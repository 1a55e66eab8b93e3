import type { ShardAssignment, ShardTenure } from '../port.ts'

/** Who is in the group, and who has which shard. Plain JSON. */
export interface ShardingState {
  readonly shards: number
  /** When each member is taken for dead unless it renews, in ms of the log's clock. */
  readonly members: Readonly<Record<string, number>>
  /** By shard: who has it, or had it last. */
  readonly tenures: readonly Tenure[]
}

/** `member` is null while nobody has the shard. The epoch is that of the last who had it; 0 before the first. */
export interface Tenure {
  readonly member: string | null
  readonly epoch: number
}

export interface StepOptions {
  readonly shards: number
  readonly leaseMs: number
  /** The log's clock, in ms since the epoch. */
  readonly now: number
}

/**
 * A member renews its lease, or joins, and takes what is free of its share. Members whose lease has ended are gone, and
 * what they had is free; a member that comes late itself keeps what nobody has taken from it. `state` is null for a
 * group that nobody has cut yet, or that is to be cut anew.
 */
export function takeShare(
  state: ShardingState | null,
  member: string,
  { shards, leaseMs, now }: StepOptions
): { state: ShardingState; assignment: ShardAssignment } {
  const { members, tenures } = state ?? { members: {}, tenures: noTenures(shards) }
  const alive = Object.entries(members).filter(([name, endsAt]) => name !== member && endsAt > now)
  const present = new Map([...alive, [member, now + leaseMs]])
  const kept = tenures.map((tenure) => (isPresent(tenure, present) ? tenure : { ...tenure, member: null }))
  const share = shares(kept, [...present.keys()]).get(member) as number
  const next = claimFree(kept, member, share, now)
  const held = tenuresOf(next, member)
  return {
    state: { shards, members: Object.fromEntries(present), tenures: next },
    assignment: { held, surplus: held.slice(share).map(({ shard }) => shard) }
  }
}

/** A member gives shards back. Those that it does not have are left as they are. */
export function giveUp(state: ShardingState, member: string, shards: readonly number[]): ShardingState {
  const isGivenUp = (tenure: Tenure, shard: number) => tenure.member === member && shards.includes(shard)
  return {
    ...state,
    tenures: state.tenures.map((tenure, shard) => (isGivenUp(tenure, shard) ? { ...tenure, member: null } : tenure))
  }
}

/** A member gives back all that it has, and is no member any more. */
export function leave(state: ShardingState, member: string): ShardingState {
  const { [member]: _, ...members } = state.members
  return { ...giveUp(state, member, [...state.tenures.keys()]), members }
}

/** Whether a member has a shard still, in the same epoch: then nobody else has had it since. */
export function isHeldBy(state: ShardingState | null, member: string, { shard, epoch }: ShardTenure): boolean {
  const tenure = state?.tenures[shard]
  return tenure?.member === member && tenure.epoch === epoch
}

/**
 * How many shards each member is to have: all the same, or one more for as many as it takes. Those who have the most get
 * the one more, so that as few as can be change hands.
 */
function shares(tenures: readonly Tenure[], members: readonly string[]): Map<string, number> {
  const counts = new Map(members.map((name) => [name, 0]))
  for (const { member } of tenures) if (member !== null) counts.set(member, (counts.get(member) ?? 0) + 1)
  const byCount = [...counts].sort(([a, mine], [b, theirs]) => theirs - mine || (a < b ? -1 : 1))
  const least = Math.floor(tenures.length / byCount.length)
  const withOneMore = tenures.length % byCount.length
  return new Map(byCount.map(([name], i) => [name, i < withOneMore ? least + 1 : least]))
}

/** An epoch follows the clock, in µs, so that it also grows when the state was lost meanwhile. */
function claimFree(tenures: readonly Tenure[], member: string, share: number, now: number): Tenure[] {
  let missing = share - tenuresOf(tenures, member).length
  return tenures.map((tenure) => {
    if (tenure.member !== null || missing <= 0) return tenure
    missing--
    return { member, epoch: Math.max(tenure.epoch + 1, Math.floor(now * 1_000)) }
  })
}

function tenuresOf(tenures: readonly Tenure[], member: string): ShardTenure[] {
  return tenures.flatMap((tenure, shard) => (tenure.member === member ? [{ shard, epoch: tenure.epoch }] : []))
}

function isPresent({ member }: Tenure, present: ReadonlyMap<string, number>): boolean {
  return member !== null && present.has(member)
}

function noTenures(shards: number): Tenure[] {
  return Array.from({ length: shards }, () => ({ member: null, epoch: 0 }))
}
