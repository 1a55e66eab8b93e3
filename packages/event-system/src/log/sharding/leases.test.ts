import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ShardTenure } from '../port.ts'
import { giveUp, isHeldBy, leave, type ShardingState, takeShare } from './leases.ts'

const LEASE_MS = 1_000
const NAMES = ['ada', 'bob', 'cy', 'dee', 'eve']

/** Members that renew, work, freeze and die around one state and one clock, as an adversary orders. */
class Group {
  readonly shards: number
  now = 1_000_000
  state: ShardingState | null = null
  /** What each member believes that it has: from its last renewal on, whatever happened since. */
  readonly beliefs = new Map<string, readonly ShardTenure[]>()
  /** By shard: what was settled, in the order in which it was. */
  readonly settled: { entry: number; epoch: number }[][]

  constructor(shards: number) {
    this.shards = shards
    this.settled = Array.from({ length: shards }, () => [])
  }

  renew(member: string): readonly number[] {
    const step = takeShare(this.state, member, { shards: this.shards, leaseMs: LEASE_MS, now: this.now })
    this.state = step.state
    this.beliefs.set(member, step.assignment.held)
    return step.assignment.surplus
  }

  giveUpSurplus(member: string): number {
    const surplus = this.renew(member)
    this.state = giveUp(this.state as ShardingState, member, surplus)
    return surplus.length
  }

  /** Settles the next entry of every shard that the member believes to have. The log lets it where it has it still. */
  work(member: string): void {
    for (const tenure of this.beliefs.get(member) ?? []) {
      if (!isHeldBy(this.state, member, tenure)) continue
      const done = this.settled[tenure.shard] as { entry: number; epoch: number }[]
      done.push({ entry: done.length, epoch: tenure.epoch })
    }
  }

  leave(member: string): void {
    if (this.state !== null) this.state = leave(this.state, member)
  }

  holders(): string[] {
    return (this.state?.tenures ?? []).map(({ member }) => member ?? 'nobody')
  }

  settle(members: readonly string[]): void {
    for (let round = 0; round < 3; round++) for (const member of members) this.giveUpSurplus(member)
    for (const member of members) this.renew(member)
  }
}

const member = fc.constantFrom(...NAMES)
const step = fc.oneof(
  fc.record({ kind: fc.constant('renew' as const), member }),
  fc.record({ kind: fc.constant('work' as const), member }),
  fc.record({ kind: fc.constant('giveUp' as const), member }),
  fc.record({ kind: fc.constant('leave' as const), member }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2 * LEASE_MS }) }),
  fc.record({ kind: fc.constant('lose' as const) })
)
const shards = fc.integer({ min: 1, max: 17 })

test('whatever the members do, an epoch never comes again once a shard has changed hands', () => {
  fc.assert(
    fc.property(shards, fc.array(step, { maxLength: 120 }), (count, steps) => {
      const group = new Group(count)
      const highest = new Map<number, { epoch: number; member: string }>()
      for (const one of steps) {
        if (one.kind === 'renew') group.renew(one.member)
        if (one.kind === 'work') group.work(one.member)
        if (one.kind === 'giveUp') group.giveUpSurplus(one.member)
        if (one.kind === 'leave') group.leave(one.member)
        if (one.kind === 'pass') group.now += one.ms
        if (one.kind === 'lose') {
          group.state = null
          group.now += 1
        }
        for (const [shard, { member: holder, epoch }] of (group.state?.tenures ?? []).entries()) {
          if (holder === null) continue
          const before = highest.get(shard)
          if (before !== undefined && before.epoch === epoch) expect(before.member).toBe(holder)
          else expect(epoch).toBeGreaterThan(before?.epoch ?? 0)
          highest.set(shard, { epoch, member: holder })
        }
      }
      for (const done of group.settled) {
        const epochs = done.map(({ epoch }) => epoch)
        expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
      }
    }),
    { numRuns: 3_000 }
  )
})

test('the members that live share all shards, none with more than one above another', () => {
  fc.assert(
    fc.property(
      shards,
      fc.array(step, { maxLength: 60 }),
      fc.subarray(NAMES, { minLength: 1 }),
      (count, steps, alive) => {
        const group = new Group(count)
        for (const one of steps) {
          if (one.kind === 'renew') group.renew(one.member)
          if (one.kind === 'leave') group.leave(one.member)
          if (one.kind === 'pass') group.now += one.ms
        }
        group.now += 2 * LEASE_MS
        group.settle(alive)
        const counts = alive.map((name) => group.holders().filter((holder) => holder === name).length)
        expect(counts.reduce((sum, one) => sum + one, 0)).toBe(count)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }
    ),
    { numRuns: 3_000 }
  )
})

test('when a member dies, only its shards change hands; when one joins, it gets its share and nothing else moves', () => {
  fc.assert(
    fc.property(shards, fc.subarray(NAMES, { minLength: 2 }), (count, names) => {
      const group = new Group(count)
      group.settle(names)
      const [gone, ...rest] = names as [string, ...string[]]
      const before = group.holders()
      group.now += LEASE_MS - 1
      for (const name of rest) group.renew(name)
      group.now += 2
      group.settle(rest)
      const without = group.holders()
      expect(without.filter((holder, i) => holder !== before[i]).length).toBe(
        before.filter((holder) => holder === gone).length
      )
      group.settle([...rest, gone])
      const again = group.holders()
      const moved = again.filter((holder, i) => holder !== without[i])
      expect(moved).toEqual(moved.map(() => gone))
      expect(moved.length).toBeLessThanOrEqual(Math.ceil(count / names.length))
    }),
    { numRuns: 2_000 }
  )
})

test('a member that was frozen past its lease keeps what nobody took, and cannot settle what somebody did', () => {
  const group = new Group(4)
  group.settle(['ada', 'bob'])
  const frozen = group.beliefs.get('ada') as readonly ShardTenure[]
  expect(frozen).toHaveLength(2)
  group.now += LEASE_MS + 1
  expect(frozen.every((tenure) => isHeldBy(group.state, 'ada', tenure))).toBe(true)
  group.renew('bob')
  expect(group.holders()).toEqual(['bob', 'bob', 'bob', 'bob'])
  expect(frozen.some((tenure) => isHeldBy(group.state, 'ada', tenure))).toBe(false)
})

test('more members than shards: some wait with none, and take over when one leaves', () => {
  const group = new Group(2)
  group.settle(['ada', 'bob', 'cy'])
  expect(group.beliefs.get('cy')).toEqual([])
  group.leave('ada')
  group.renew('cy')
  expect(group.beliefs.get('cy')).toHaveLength(1)
})
