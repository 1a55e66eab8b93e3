import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shareOf } from './shares.ts'

const NAMES = ['ada', 'bob', 'cy', 'dee', 'eve']
const partitions = fc.integer({ min: 1, max: 17 })

/** Members that renew in turn, as if no lease ended by itself. */
class Table {
  owners: (string | undefined)[]
  members: string[] = []

  constructor(partitions: number) {
    this.owners = Array.from({ length: partitions }, () => undefined)
  }

  renew(member: string): void {
    if (!this.members.includes(member)) this.members.push(member)
    const { take, surplus } = shareOf(member, this)
    for (const partition of take) this.owners[partition] = member
    for (const partition of surplus) this.owners[partition] = undefined
  }

  remove(member: string): void {
    this.members = this.members.filter((one) => one !== member)
    this.owners = this.owners.map((owner) => (owner === member ? undefined : owner))
  }

  settle(): void {
    for (let round = 0; round < 3; round++) for (const member of [...this.members]) this.renew(member)
  }
}

function settled(count: number, names: readonly string[]): Table {
  const table = new Table(count)
  for (const name of names) table.renew(name)
  table.settle()
  return table
}

test('whatever the order in which members renew, they end with the same number of partitions, or one more', () => {
  fc.assert(
    fc.property(
      partitions,
      fc.array(fc.constantFrom(...NAMES), { maxLength: 40 }),
      fc.subarray(NAMES, { minLength: 1 }),
      (count, order, alive) => {
        const table = new Table(count)
        for (const name of order) table.renew(name)
        for (const name of NAMES) if (!alive.includes(name)) table.remove(name)
        for (const name of alive) table.renew(name)
        table.settle()
        const counts = alive.map((name) => table.owners.filter((owner) => owner === name).length)
        expect(counts.reduce((sum, one) => sum + one, 0)).toBe(count)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }
    )
  )
})

test('when a member dies, only its partitions move; when one joins, it gets its share and nothing else moves', () => {
  fc.assert(
    fc.property(partitions, fc.subarray(NAMES, { minLength: 2 }), (count, names) => {
      const [gone, ...rest] = names as [string, ...string[]]
      const table = settled(count, names)
      const before = [...table.owners]
      table.remove(gone)
      for (const name of rest) table.renew(name)
      table.settle()
      const without = [...table.owners]
      const moved = without.filter((owner, i) => owner !== before[i])
      expect(moved.length).toBe(before.filter((owner) => owner === gone).length)
      table.renew(gone)
      table.settle()
      const toTheNew = table.owners.filter((owner, i) => owner !== without[i])
      expect(toTheNew).toEqual(toTheNew.map(() => gone))
      expect(toTheNew.length).toBeLessThanOrEqual(Math.ceil(count / names.length))
    })
  )
})

test('a partition of an owner that is no member is neither taken nor given up', () => {
  const { take, surplus } = shareOf('ada', { owners: ['an operator', undefined, 'an operator'], members: ['ada'] })
  expect([take, surplus]).toEqual([[1], []])
})

test('with more members than partitions some wait with none, and take over when one leaves', () => {
  const table = settled(2, ['ada', 'bob', 'cy'])
  expect(table.owners.includes('cy')).toBe(false)
  table.remove('ada')
  table.renew('cy')
  expect(table.owners.filter((owner) => owner === 'cy')).toHaveLength(1)
})
