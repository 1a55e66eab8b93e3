import assert from 'node:assert/strict'
import type { AppendEntry, Entry, MessageId, Storage } from '../port.ts'
import { positionsIn } from '../positions.ts'
import {
  appendedPositions,
  appendSome,
  assertGrowing,
  behind,
  idsOf,
  newEventId,
  payloadsOf,
  readAll,
  someEntries
} from './entries.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase, Declared } from './harness.ts'

const ALL = { limit: 1_000 }
const NOW = { limit: 1_000, waitMs: 0 }
const AHEAD_MS = 60_000

/** What a log without a total order promises in the place of what it cannot. Entries of one type stand in one partition. */
export const severalPartitionCases: readonly ConformanceCase[] = [
  {
    title: 'several partitions: the entries of one type are in order, and an append over several types is whole',
    needs: hasSeveral,
    async run(harness) {
      const handles = [await harness.open(), await harness.open()]
      const appends = Array.from({ length: 40 }, (_, call) => handles[call % 2]?.log.append(someEntries(9, call * 9)))
      const results = (await Promise.all(appends)).map((result) => idsOf(result ?? []))
      const [storage] = handles as [Storage, Storage]
      for (const ids of results) assertGrowing(storage, ids)
      const stored = await readAll(storage, 7)
      assertGrowing(storage, idsOf(stored))
      assert.deepEqual(idsOf(stored).toSorted(), results.flat().toSorted())
    }
  },
  {
    title:
      'several partitions: pages cover everything once, either way, and each position leads on, whatever the limit',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      await storage.log.append([...someEntries(40), ...ofType('rare', 1, 40), ...someEntries(40, 41)])
      const ids = idsOf(await readAll(storage))
      assert.equal(ids.length, 81)
      for (const limit of [1, 4, 27, 81, 200]) {
        assert.deepEqual(idsOf(await readAll(storage, limit)), ids, `forward by ${limit}`)
        assert.deepEqual(idsOf(await readBack(storage, limit)), ids.toReversed(), `backward by ${limit}`)
      }
      const { from, position, entries } = await storage.log.read({ limit: 30 })
      assert.equal(
        entries.reduce((at, { messageId }) => storage.log.advance(at, messageId), from),
        position
      )
    }
  },
  {
    title:
      'several partitions: a read of some types passes over none of them, and its positions pass no entry of another type',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      await storage.log.append([...ofType('often', 30), ...ofType('rare', 3, 30), ...ofType('often', 30, 33)])
      const rare = { eventTypes: ['rare'] }
      const isRare = ({ payload }: Entry) => payload?.startsWith('rare') === true
      const first = await storage.log.read({ ...rare, limit: 2 })
      const second = await storage.log.read({ ...rare, from: { after: first.position }, limit: 2 })
      assert.deepEqual(payloadsOf([...first.entries, ...second.entries].filter(isRare)), [
        'rare 30',
        'rare 31',
        'rare 32'
      ])
      const others = (await storage.log.read({ from: { after: second.position }, ...ALL })).entries
      assert.equal(others.filter((entry) => !isRare(entry)).length, 60)
      const newest = await storage.log.read({ ...rare, direction: 'backward', ...ALL })
      assert.deepEqual(payloadsOf(newest.entries.filter(isRare)), ['rare 32', 'rare 31', 'rare 30'])
      const [later] = await storage.log.append(ofType('often', 1, 70))
      assert.deepEqual(idsOf((await storage.log.read({ from: { after: newest.from }, ...ALL })).entries), [
        later?.messageId
      ])
    }
  },
  {
    title:
      'several partitions: a position of a read of some types is not before the beginning of a type that was trimmed',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      await storage.log.append([...ofType('often', 30), ...ofType('rare', 3, 30)])
      await storage.log.trim({ maxLength: 10 })
      const { first } = await storage.log.bounds()
      for (const direction of ['forward', 'backward'] as const) {
        const { from, position } = await storage.log.read({ eventTypes: ['rare'], direction, ...ALL })
        const reached = direction === 'forward' ? position : from
        assert.ok((storage.log.compare(reached, first ?? '') ?? -1) >= 0, `${direction}: ${reached}, ${first}`)
      }
    }
  },
  {
    title: 'several partitions: entries that are appended while pages are read backward are in none of them',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 20)
      const page = await storage.log.read({ direction: 'backward', limit: 2 })
      await storage.log.append([...someEntries(6), ...ofType('new', 2)])
      const rest = await storage.log.read({ direction: 'backward', to: { checkpoint: page.position }, ...ALL })
      assert.deepEqual(idsOf([...page.entries, ...rest.entries]), ids.toReversed())
      assert.equal((await storage.log.read({ from: { after: page.from }, ...ALL })).entries.length, 8)
    }
  },
  {
    title: 'several partitions: a checkpoint that says nothing of a partition has passed nothing of it',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const early = await appendSome(storage, 6)
      const position = await behind(storage, early[5])
      const later = idsOf(await storage.log.append(ofType('later', 3)))
      assert.deepEqual(idsOf((await storage.log.read({ from: { after: position }, ...ALL })).entries), later)
      assert.deepEqual(idsOf((await storage.log.read({ to: { checkpoint: position }, ...ALL })).entries), early)
      const group = storage.queue('group')
      await group.create({ after: position })
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), later)
    }
  },
  {
    title: 'several partitions: the id of an entry is no position, where another partition is left out',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const [messageId = ''] = await appendSome(storage, 3)
      const calls: (() => Promise<unknown>)[] = [
        () => storage.log.read({ from: { after: messageId }, limit: 1 }),
        () => storage.log.read({ to: { checkpoint: messageId }, limit: 1 }),
        () => storage.log.tail({ after: messageId })[Symbol.asyncIterator]().next(),
        () => storage.queue('group').create({ after: messageId }),
        () => storage.cursors.create('cursor', { after: messageId }),
        () => storage.commit([{ cursors: [{ name: 'cursor', to: messageId }] }])
      ]
      for (const call of calls) await rejectsWith(call, 'invalid_message_id')
      assert.deepEqual(await storage.groupNames(), [])
    }
  },
  {
    title:
      'several partitions: compare orders positions, a message id in its own partition, and says undefined where neither precedes',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const { log } = storage
      const ids = await appendSome(storage, 6)
      const [a = '', b = '', , nextOfA = ''] = ids
      const page = await log.read(ALL)
      const positions = positionsIn(log, page)
      for (const [i, position] of positions.entries()) {
        for (const [j, other] of positions.entries()) {
          assert.equal(Math.sign(log.compare(position, other) as number), Math.sign(i - j))
        }
        for (const [j, id] of ids.entries()) assert.equal((log.compare(id, position) as number) <= 0, j <= i)
      }
      assert.equal(log.compare(a, b), undefined)
      assert.ok((log.compare(a, nextOfA) as number) < 0)
      const [onlyA, onlyB] = [log.advance(page.from, a), log.advance(page.from, b)]
      assert.equal(log.compare(onlyA, onlyB), undefined)
      assert.equal(log.compare(log.advance(onlyA, b), log.advance(onlyB, a)), 0)
    }
  },
  {
    title: 'several partitions: a tail has no gap and no repeat when types appear while it waits',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      const seen: Entry[] = []
      const ended = new AbortController()
      const following = (async () => {
        for await (const page of storage.log.tail('end', { signal: ended.signal })) seen.push(...page.entries)
      })()
      const ids: MessageId[] = []
      for (let round = 0; round < 10; round += 1) {
        ids.push(...idsOf(await other.log.append([...someEntries(3), ...ofType(`type ${round}`, 2)])))
        if (round % 3 === 0) await eventually('what was appended', () => seen.length === ids.length)
      }
      await eventually('all that was appended', () => seen.length >= ids.length)
      ended.abort()
      await following
      assert.deepEqual(idsOf(seen).toSorted(), ids.toSorted())
      assertGrowing(storage, idsOf(seen))
    }
  },
  {
    title: 'several partitions: each group gets a type that appears later from its first entry on',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 3)
      const [start, end] = [storage.queue('start'), storage.queue('end')]
      await start.create('start')
      await end.create('end')
      const waiting = end.read('consumer', { limit: 1_000, waitMs: 10_000 })
      const later = idsOf(await (await harness.open()).log.append(ofType('later', 2)))
      assert.deepEqual(idsOf(await waiting), later)
      const all = await start.read('consumer', NOW)
      assert.equal(all.length, 5)
      assert.deepEqual(await start.acknowledge('consumer', all), [])
      assert.deepEqual([(await start.info()).pending, (await start.info()).lag, (await end.info()).pending], [0, 0, 2])
    }
  },
  {
    title: 'several partitions: a read hands out no more than its limit, and no type waits for the others',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      await storage.log.append([...ofType('busy', 200), ...ofType('rare', 1), ...ofType('other', 5)])
      const handedOut: string[] = []
      for (const limit of [1, 2, 3, 1, 1, 7, 20, 500]) {
        const deliveries = await group.read('consumer', { limit, waitMs: 0 })
        assert.equal(deliveries.length, Math.min(limit, 206 - handedOut.length))
        handedOut.push(...payloadsOf(deliveries).map(String))
        assert.equal((await group.info()).pending, handedOut.length)
      }
      assert.equal(new Set(handedOut).size, 206)
      assert.ok(handedOut.indexOf('rare 0') < 20, 'the rare one was to come soon')
      assert.deepEqual(
        handedOut.filter((payload) => payload.startsWith('busy')),
        Array.from({ length: 200 }, (_, i) => `busy ${i}`)
      )
    }
  },
  {
    title:
      'several partitions: pending is paged, claim takes the oldest of all types, a hold is settled in its own partition',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      const ids = await appendSome(storage, 9)
      const deliveries = await group.read('consumer', NOW)
      const paged: MessageId[] = []
      for (let after: MessageId | undefined; ; after = paged.at(-1)) {
        const page = await group.pending({ limit: 2, ...(after !== undefined && { after }) })
        paged.push(...idsOf(page))
        if (page.length < 2) break
      }
      assert.deepEqual(paged, ids)
      assert.deepEqual(await group.acknowledge('consumer', deliveries.slice(4, 6)), [])
      assert.deepEqual(await group.acknowledge('consumer', deliveries), ids.slice(4, 6))
      assert.equal((await group.info()).pending, 0)
    }
  },
  {
    title:
      'several partitions: info says where a group stands in each, acknowledgedTo leads to what is not acknowledged',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 9)
      const group = storage.queue('group')
      await group.create('start')
      const held = await group.read('consumer', NOW)
      const unacknowledged = async () => {
        const { acknowledgedTo } = await group.info()
        return idsOf((await storage.log.read({ from: { after: acknowledgedTo }, ...ALL })).entries)
      }
      assert.deepEqual(await unacknowledged(), ids)
      await group.acknowledge('consumer', [held[0], held[1], held[3]] as typeof held)
      assert.deepEqual(await unacknowledged(), [ids[2], ...ids.slice(4)])
      const { lastDelivered, pending, consumers } = await group.info()
      assert.equal(lastDelivered, await behind(storage, ids[8]))
      assert.deepEqual([pending, consumers.map(({ name, pending }) => [name, pending])], [6, [['consumer', 6]]])
      await storage.queue('again').create({ after: (await group.info()).acknowledgedTo })
      assert.deepEqual(idsOf(await storage.queue('again').read('consumer', NOW)), [ids[2], ...ids.slice(4)])
    }
  },
  {
    title: 'several partitions: a position beyond the newest entry of a partition counts as its end',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const [position = ''] = (await appendedPositions(storage, 3)).slice(-1)
      const future = Date.now() + AHEAD_MS
      const beyond = position.replaceAll(/\d+-\d+(?=\.)/g, `${future}-0`)
      assert.notEqual(beyond, position)
      await storage.queue('beyond').create({ after: beyond })
      await storage.queue('late').create({ time: future })
      const next = await appendSome(storage, 3)
      for (const name of ['beyond', 'late']) assert.deepEqual(idsOf(await storage.queue(name).read('c', NOW)), next)
    }
  },
  {
    title: 'several partitions: the guard keeps what a group has not seen of a type, and a cursor has not passed',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 6)
      const group = storage.queue('group')
      await group.create('end')
      await storage.cursors.create('cursor', 'end')
      await storage.log.append(ofType('later', 4))
      assert.equal((await storage.log.trim({ maxLength: 0 })).removed, 6)
      const later = Date.now() + AHEAD_MS
      assert.deepEqual(await storage.log.trim({ before: later }), { ...NOTHING_LOST, removed: 0, guarded: true })
      await group.acknowledge('consumer', await group.read('consumer', NOW))
      assert.deepEqual(await storage.log.trim({ before: later }), { ...NOTHING_LOST, removed: 0, guarded: true })
      const forced = await storage.log.trim({ before: later }, { force: true })
      assert.deepEqual(forced, { removed: 4, lost: 4, lostByGroup: {}, lostByCursor: { cursor: 4 }, guarded: false })
    }
  },
  {
    title: 'several partitions: trim to a length removes the oldest of all, to a time each partition by itself',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 3_000)
      assert.deepEqual(await storage.log.trim({ maxLength: 1_200 }, { dryRun: true }), {
        ...NOTHING_LOST,
        removed: 1_800
      })
      assert.deepEqual(await storage.log.trim({ maxLength: 1_200 }), { ...NOTHING_LOST, removed: 1_800 })
      assert.deepEqual(idsOf(await readAll(storage)), ids.slice(1_800))
      const group = storage.queue('group')
      await group.create('start')
      const held = await group.read('consumer', { limit: 1_200, waitMs: 0 })
      const [first] = held
      await group.acknowledge('consumer', held.slice(1))
      const { removed, guarded } = await storage.log.trim({ before: Date.now() + AHEAD_MS })
      assert.deepEqual([removed, guarded], [800, true], 'one type waits, and the others do not')
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), { ...NOTHING_LOST, removed: 0, guarded: true })
      await group.acknowledge('consumer', first === undefined ? [] : [first])
      assert.equal((await storage.log.trim({ maxLength: 0 })).removed, 400)
    }
  },
  {
    title:
      'several partitions: bounds tell a gap only where something went: not behind what was read, and not of a type that lost nothing',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual(await storage.log.bounds(), { first: null, last: null })
      const positions = await appendedPositions(storage, 6)
      const [early = '', newest = ''] = [positions[1], positions[5]]
      assert.deepEqual([await hasGap(storage, early), await hasGap(storage, newest)], [false, false])
      await storage.log.trim({ maxLength: 2 })
      assert.deepEqual([await hasGap(storage, early), await hasGap(storage, newest)], [true, false])
      await storage.log.append(ofType('later', 1))
      assert.equal(await hasGap(storage, newest), false)
      const page = await storage.log.read({ limit: 1 })
      assert.equal(await hasGap(storage, page.position), false, 'what was gone before it was read is no gap')
      await storage.log.trim({ maxLength: 0 })
      const { position } = await storage.log.read(ALL)
      assert.equal(
        await hasGap(storage, (await storage.log.read({ from: { after: position }, ...ALL })).position),
        false
      )
    }
  },
  {
    title: 'several partitions: an event type may be any text',
    needs: hasSeveral,
    async run(harness) {
      const storage = await harness.open()
      const types = ['a:group:g:attachments', '{x}', 'größe 💱', ' ', '0', 'types', '*', '__proto__']
      const group = storage.queue('g')
      await group.create('start')
      const entries = types.flatMap((type) => ofType(type, 2))
      const ids = idsOf(await storage.log.append(entries))
      assert.deepEqual(
        payloadsOf(await readAll(storage)),
        entries.map(({ payload }) => payload)
      )
      const deliveries = await group.read('consumer', NOW)
      assert.deepEqual(idsOf(deliveries), ids)
      assert.deepEqual(await group.acknowledge('consumer', deliveries), [])
      assert.deepEqual(
        await storage.log.append(entries),
        ids.map((messageId) => ({ messageId, duplicate: true }))
      )
    }
  }
]

const NOTHING_LOST = { lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: false }

function hasSeveral({ features: { totalOrder } }: Declared): boolean {
  return !totalOrder
}

function ofType(eventType: string, count: number, first = 0): AppendEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    eventId: newEventId(),
    eventType,
    payload: `${eventType} ${first + i}`
  }))
}

async function readBack(storage: Storage, limit: number): Promise<Entry[]> {
  const all: Entry[] = []
  for (let to: { checkpoint: string } | undefined; ; ) {
    const { entries, position } = await storage.log.read({ direction: 'backward', limit, ...(to && { to }) })
    all.push(...entries)
    if (entries.length < limit) return all
    to = { checkpoint: position }
  }
}

/** Whether a reader that goes on behind the position is told that something may be gone. */
async function hasGap({ log }: Storage, position: string): Promise<boolean> {
  const { first, last } = await log.bounds()
  return (log.compare(position, first ?? last ?? position) ?? -1) < 0
}
