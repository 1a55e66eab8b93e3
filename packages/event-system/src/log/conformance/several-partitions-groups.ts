import assert from 'node:assert/strict'
import type { MessageId } from '../port.ts'
import { appendedPositions, appendSome, behind, idsOf, payloadsOf, readAll } from './entries.ts'
import type { ConformanceCase } from './harness.ts'
import { hasGap, hasSeveral, ofType } from './partitions-by-type.ts'

const ALL = { limit: 1_000 }
const NOW = { limit: 1_000, waitMs: 0 }
const AHEAD_MS = 60_000

/** The promises of groups and trims in a log without a total order. Entries of one type stand in one partition. */
export const severalPartitionGroupCases: readonly ConformanceCase[] = [
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
