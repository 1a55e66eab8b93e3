/** Which member owns which partition, as a member sees it when it renews. */
export interface Assignment {
  /** By partition: its owner; undefined where nobody has it. */
  readonly owners: readonly (string | undefined)[]
  /** The members that live. */
  readonly members: readonly string[]
}

export interface Share {
  /** Free partitions that the member takes. */
  readonly take: readonly number[]
  /** Partitions of the member that another is to get. */
  readonly surplus: readonly number[]
}

/**
 * The share of a member: all members get the same number of partitions, or one more. The members that have the most get the one more, so
 * that few partitions change hands. A partition of an owner that is no member is not free: its lease has not ended.
 */
export function shareOf(member: string, { owners, members }: Assignment): Share {
  const share = sizes(owners, new Set([...members, member])).get(member) as number
  const own = partitionsOf(owners, member)
  const free = partitionsOf(owners, undefined)
  return { take: free.slice(0, Math.max(0, share - own.length)), surplus: own.slice(share) }
}

function sizes(owners: readonly (string | undefined)[], members: ReadonlySet<string>): Map<string, number> {
  const counts = new Map([...members].map((name) => [name, 0]))
  for (const owner of owners) {
    const count = owner === undefined ? undefined : counts.get(owner)
    if (owner !== undefined && count !== undefined) counts.set(owner, count + 1)
  }
  const byCount = [...counts].sort(([a, mine], [b, theirs]) => theirs - mine || (a < b ? -1 : 1))
  const least = Math.floor(owners.length / byCount.length)
  const withOneMore = owners.length % byCount.length
  return new Map(byCount.map(([name], i) => [name, i < withOneMore ? least + 1 : least]))
}

function partitionsOf(owners: readonly (string | undefined)[], owner: string | undefined): number[] {
  return owners.flatMap((one, partition) => (one === owner ? [partition] : []))
}
