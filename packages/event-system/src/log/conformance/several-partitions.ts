import assert from 'node:assert/strict'
import type { Entry, MessageId, Storage } from '../port.ts'
import { positionsIn } from '../positions.ts'
import { appendSome, assertGrowing, behind, idsOf, payloadsOf, readAll, someEntries } from './entries.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { hasSeveral, ofType } from './partitions-by-type.ts'

const ALL = { limit: 1_000 }
const NOW = { limit: 1_000, waitMs: 0 }

/** The promises of a log without a total order to its readers. Entries of one type stand in one partition. */
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
  }
]

async function readBack(storage: Storage, limit: number): Promise<Entry[]> {
  const all: Entry[] = []
  for (let to: { checkpoint: string } | undefined; ; ) {
    const { entries, position } = await storage.log.read({ direction: 'backward', limit, ...(to && { to }) })
    all.push(...entries)
    if (entries.length < limit) return all
    to = { checkpoint: position }
  }
}
