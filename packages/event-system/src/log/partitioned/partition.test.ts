import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MessageId } from '../port.ts'
import { Partition, type Step, type Unfinished } from './partition.ts'
import { parseRecord } from './record.ts'

const idOf = (number: number): MessageId => `${number}-0`
const numberOf = (id: MessageId): number => Number(id.slice(0, -2))
const compare = (a: MessageId, b: MessageId) => numberOf(a) - numberOf(b)

/** A log whose entries are numbered from 1; the odd ones are another partition's. And what it keeps of the partition of the even ones. */
class World {
  length = 0
  cursor = idOf(0)
  record: string | undefined
  readonly finished = new Set<number>()
  owner: Partition
  #owners = 0

  constructor() {
    this.owner = this.#open()
  }

  #open(): Partition {
    const partition = new Partition({
      partition: 0,
      epoch: ++this.#owners,
      owner: `owner ${this.#owners}`,
      cursor: this.cursor,
      record: parseRecord(this.record),
      newest: this.length === 0 ? null : idOf(this.length),
      compare
    })
    this.owner = partition
    this.commit(partition.finish([]))
    return partition
  }

  /** The owner ends, and another follows. */
  crash(): void {
    this.owner = this.#open()
  }

  giveUp(): void {
    this.#write(this.owner.release())
    this.crash()
  }

  commit(step: Step): void {
    this.#write(step)
    this.owner.apply(step)
    for (const { messageId } of step.done) this.finished.add(numberOf(messageId))
    expect(this.firstUnfinished()).toBeGreaterThan(numberOf(this.cursor))
  }

  #write({ cursor, record }: Step): void {
    if (cursor !== undefined) {
      expect(compare(this.cursor, cursor)).toBeLessThan(0)
      this.cursor = cursor
    }
    if (record !== undefined) this.record = record ?? undefined
  }

  firstUnfinished(): number {
    let number = 2
    while (this.finished.has(number)) number += 2
    return number
  }

  /** A page, from where the partition has read to, or before it. */
  read(limit: number, back = 0): void {
    const from = Math.max(0, numberOf(this.owner.readTo) - back)
    const to = Math.min(this.length, from + limit)
    const own = []
    for (let number = from + 1; number <= to; number++) {
      if (number % 2 === 1) continue
      own.push({ entry: { messageId: idOf(number), appendedAt: 0, payload: '' }, behind: idOf(number - 1) })
    }
    this.owner.takeIn(own, idOf(to))
  }

  handOut(limit: number): readonly Unfinished[] {
    const handOut = this.owner.handOut(limit)
    this.#write(handOut.step)
    this.owner.applyHandOut(handOut)
    return handOut.entries
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.nat({ max: 12 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      limit: fc.integer({ min: 1, max: 20 }),
      back: fc.nat({ max: 5 })
    })
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('hand out' as const), limit: fc.integer({ min: 1, max: 10 }) })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      which: fc.array(fc.nat({ max: 30 }), { maxLength: 6 })
    })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('note' as const), which: fc.nat({ max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('give up' as const) }) }
)

test('whatever happens, an owner gets each unfinished entry once and in order, and a finished one never', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const world = new World()
      let inFlight: Unfinished[] = []
      let last = 0
      const notes = new Map<number, string>()
      const take = (limit: number) => {
        for (const one of world.handOut(limit)) {
          const number = numberOf(one.messageId)
          expect(number % 2).toBe(0)
          expect(number).toBeGreaterThan(last)
          expect(world.finished.has(number)).toBe(false)
          expect(one.note).toBe(notes.get(number))
          last = number
          inFlight.push(one)
        }
      }
      const forget = () => {
        inFlight = []
        last = 0
      }
      for (const one of steps) {
        if (one.kind === 'append') world.length += one.count
        if (one.kind === 'read') world.read(one.limit, one.back)
        if (one.kind === 'hand out') take(one.limit)
        if (one.kind === 'finish') {
          const done = [...new Set(one.which.map((i) => inFlight[i]).filter((held) => held !== undefined))]
          inFlight = inFlight.filter((held) => !done.includes(held))
          world.commit(world.owner.finish(done))
        }
        if (one.kind === 'note') {
          const held = inFlight[one.which]
          if (held === undefined) continue
          notes.set(numberOf(held.messageId), `note ${one.which}`)
          world.commit(world.owner.finish([], new Map([[held, `note ${one.which}`]])))
        }
        if (one.kind === 'crash') {
          world.crash()
          forget()
        }
        if (one.kind === 'give up') {
          world.giveUp()
          forget()
        }
      }
      for (;;) {
        world.read(1_000)
        take(1_000)
        if (inFlight.length === 0) break
        world.commit(world.owner.finish(inFlight))
        inFlight = []
      }
      world.commit(world.owner.finish([]))
      expect(world.finished.size).toBe(Math.floor(world.length / 2))
      expect(world.cursor).toBe(idOf(world.length))
    }),
    { numRuns: 2_000 }
  )
})

test('an entry that ends its owners is found: its attempt grows, and that of no other goes above 2', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (count, place) => {
      const world = new World()
      world.length = 2 * Math.max(count, place)
      const killer = 2 * place
      const attempts = new Map<number, number>()
      for (let owners = 0; owners < 15; owners++) {
        let isDead = false
        while (!isDead) {
          world.read(1_000)
          const handed = world.handOut(500)
          if (handed.length === 0) break
          for (const one of handed) attempts.set(numberOf(one.messageId), one.attempt)
          isDead = handed.some(({ messageId }) => numberOf(messageId) === killer)
          if (!isDead) world.commit(world.owner.finish(handed))
        }
        expect(isDead).toBe(true)
        world.crash()
      }
      expect(attempts.get(killer)).toBeGreaterThanOrEqual(8)
      attempts.delete(killer)
      for (const attempt of attempts.values()) expect(attempt).toBeLessThanOrEqual(2)
    }),
    { numRuns: 300 }
  )
})

test('once the suspects are passed, entries are handed out many at a time again', () => {
  const world = new World()
  world.length = 40
  world.read(100)
  expect(world.handOut(10)).toHaveLength(10)
  world.crash()
  world.crash()
  world.length = 100
  world.read(200)
  let oneByOne = 0
  for (;;) {
    const handed = world.handOut(10)
    if (handed.length > 1) break
    oneByOne++
    world.commit(world.owner.finish(handed))
  }
  expect(oneByOne).toBe(16)
})

test('an entry that waits for its retry keeps no suspect behind it waiting', () => {
  const world = new World()
  world.length = 8
  world.read(100)
  world.handOut(4)
  world.crash()
  world.crash()
  world.read(100)
  const [first] = world.handOut(10)
  expect(first?.messageId).toBe(idOf(2))
  expect(world.handOut(10)).toEqual([])
  world.commit(world.owner.finish([], new Map([[first as Unfinished, 'not yet']])))
  expect(world.handOut(10).map(({ messageId }) => messageId)).toEqual([idOf(4)])
})

test('one owner that died makes no suspects: entries come many at a time, those that it may have begun as attempt 2', () => {
  const world = new World()
  world.length = 80
  world.read(100)
  world.handOut(5)
  world.crash()
  world.read(100)
  const handed = world.handOut(100)
  expect(handed).toHaveLength(16)
  expect(handed.every(({ attempt }) => attempt === 2)).toBe(true)
  expect(world.handOut(100)).toEqual([])
  world.commit(world.owner.finish(handed.slice(0, 1)))
  expect(world.handOut(100).map(({ attempt }) => attempt)).toEqual(Array.from({ length: 24 }, () => 1))
})

test('what is kept is bounded by what is unfinished, not by what was finished', () => {
  const world = new World()
  world.length = 400
  world.read(1_000)
  const [first, ...others] = world.handOut(200)
  for (const one of others) world.commit(world.owner.finish([one]))
  expect(world.cursor).toBe(idOf(1))
  expect(parseRecord(world.record).finished).toEqual([[idOf(2), idOf(400)]])
  world.commit(world.owner.finish([first as Unfinished]))
  expect(world.cursor).toBe(idOf(400))
  expect(parseRecord(world.record).finished).toEqual([])
})

test('a partition that was given up with nothing left keeps no record', () => {
  const world = new World()
  world.length = 4
  world.read(10)
  world.commit(world.owner.finish(world.handOut(10)))
  expect(world.record).toBeDefined()
  const { record } = world.owner.release()
  expect(record).toBe(null)
})

test('a requeued entry comes before new ones, and a second copy of it is not handed out beside the first', () => {
  const world = new World()
  world.length = 6
  world.read(1)
  world.owner.requeue({ messageId: idOf(4), appendedAt: 0, payload: 'again' }, 'mended')
  world.read(10)
  const handed = world.handOut(10)
  expect(handed.map(({ messageId, note }) => [messageId, note])).toEqual([
    [idOf(4), 'mended'],
    [idOf(2), undefined],
    [idOf(6), undefined]
  ])
  expect(world.owner.inFlight(idOf(4), 1)).toBe(handed[0])
})
