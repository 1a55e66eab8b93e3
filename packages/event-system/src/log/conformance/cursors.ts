import assert from 'node:assert/strict'
import type { CursorInfo, MessageId, Storage } from '../port.ts'
import { appendedPositions, appendSome, behind, idsOf, timeOf } from './entries.ts'
import { pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const MINUTE_MS = 60_000
/** Clocks count whole milliseconds. */
const ROUNDING_MS = 2

export const cursorCases: readonly ConformanceCase[] = [
  {
    title: 'cursors.create: at a position, which is resolved at once; a position beyond the newest entry counts as end',
    async run(harness) {
      const storage = await harness.open()
      const before = await appendSome(storage, 2)
      await pause(5)
      const ids = [...before, ...(await appendSome(storage, 2))]
      const future = (await timeOf(storage, ids[3])) + MINUTE_MS
      const { cursors } = storage
      assert.equal(await cursors.create('start', 'start'), true)
      assert.equal(await cursors.create('end', 'end'), true)
      assert.equal(await cursors.create('after', { after: await behind(storage, ids[0]) }), true)
      assert.equal(await cursors.create('time', { time: await timeOf(storage, ids[2]) }), true)
      assert.equal(await cursors.create('late', { time: future }), true)
      const position = storage.features.totalOrder ? `${future}-0` : `${future}-0,${future}-0.1,${future}-0.2`
      assert.equal(await cursors.create('beyond', { after: position }), true)
      const next = await appendSome(storage, 1)
      const all = [...ids, ...next]
      const places = { start: 0, after: 1, time: 2, end: 4, late: 4, beyond: 4 }
      for (const [name, place] of Object.entries(places)) {
        assert.deepEqual(await idsBehind(storage, name), all.slice(place), `behind ${name}`)
      }
    }
  },
  {
    title: 'cursors.create: in an empty log, start and end stand before what is appended next',
    async run(harness) {
      const storage = await harness.open()
      await storage.cursors.create('start', 'start')
      await storage.cursors.create('end', 'end')
      await storage.cursors.create('beyond', { after: `${Date.now() + MINUTE_MS}-0` })
      const ids = await appendSome(storage, 2)
      for (const name of ['start', 'end', 'beyond']) assert.deepEqual(await idsBehind(storage, name), ids, name)
    }
  },
  {
    title:
      'cursors.create: resolves to false, nothing changed, when the cursor exists; of many that race, one creates it',
    async run(harness) {
      const [ours, theirs] = [await harness.open(), await harness.open()]
      await appendSome(ours, 3)
      const created = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? ours : theirs).cursors.create('one', 'start'))
      )
      assert.equal(created.filter((isNew) => isNew).length, 1)
      const before = await cursorOf(ours, 'one')
      assert.equal(await theirs.cursors.create('one', 'end', { guards: false }), false)
      assert.deepEqual(timeless(await cursorOf(ours, 'one')), timeless(before))
      assert.equal((await cursorOf(ours, 'one')).movedAt, before.movedAt)
    }
  },
  {
    title: 'cursors.get: says where a cursor stands, when it last moved, whether it guards; undefined without one',
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = ''] = await appendedPositions(storage, 4)
      const { cursors } = storage
      assert.equal(await cursors.get('größe 💱'), undefined)
      const earliest = Date.now()
      await cursors.create('größe 💱', { after: first })
      await cursors.create('lax', 'start', { guards: false })
      const created = await cursorOf(storage, 'größe 💱')
      assert.deepEqual(timeless(created), { name: 'größe 💱', position: first, guards: true, lag: 3 })
      assert.ok(
        created.movedAt >= earliest - ROUNDING_MS && created.movedAt <= Date.now() + ROUNDING_MS,
        `${created.movedAt}`
      )
      assert.equal((await cursorOf(storage, 'lax')).guards, false)
      await pause(5)
      await moveTo(storage, 'größe 💱', second)
      const moved = await cursorOf(await harness.open(), 'größe 💱')
      assert.deepEqual(timeless(moved), { name: 'größe 💱', position: second, guards: true, lag: 2 })
      assert.ok(moved.movedAt > created.movedAt, `${moved.movedAt} was to be after ${created.movedAt}`)
    }
  },
  {
    title: 'cursors.positions: where cursors stand, in the order of the names; undefined for one that is not there',
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = ''] = await appendedPositions(storage, 2)
      await storage.cursors.create('first', { after: first })
      await storage.cursors.create('second', { after: second })
      assert.deepEqual(await storage.cursors.positions(['second', 'none', 'first']), [second, undefined, first])
      assert.deepEqual(await storage.cursors.positions([]), [])
      await rejectsWith(() => storage.cursors.positions(['first', '']), 'invalid_argument')
    }
  },
  {
    title: 'cursors.get: the lag counts the entries behind the position, the lag in ms is the age of the first of them',
    async run(harness) {
      const storage = await harness.open()
      await storage.cursors.create('one', 'start')
      assert.deepEqual(lagOf(await cursorOf(storage, 'one')), [0, 0])
      const early = await appendSome(storage, 5)
      await pause(20)
      const late = await appendSome(storage, 5)
      assert.equal((await cursorOf(storage, 'one')).lag, 10)
      await hasAgeOf(storage, 'one', early[0] ?? '')
      await moveTo(storage, 'one', await behind(storage, early[4]))
      await hasAgeOf(storage, 'one', late[0] ?? '')
      await moveTo(storage, 'one', '0-0')
      await storage.log.remove([early[1] ?? '', late[2] ?? ''], { force: true })
      assert.equal((await cursorOf(storage, 'one')).lag, 8)
      await moveTo(storage, 'one', await behind(storage, early[2]))
      assert.equal((await cursorOf(storage, 'one')).lag, 6)
      await moveTo(storage, 'one', await behind(storage, late[4]))
      assert.deepEqual(lagOf(await cursorOf(storage, 'one')), [0, 0])
    }
  },
  {
    title: 'cursors.get: the lag is right, or null, where many entries were removed from the middle of many',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 1_500)
      await storage.cursors.create('one', { after: await behind(storage, ids[49]) })
      await storage.log.remove(ids.slice(100, 300), { force: true })
      assert.equal((await cursorOf(storage, 'one')).lag, 1_250)
      for (let batch = 0; batch < 10; batch += 1) await appendSome(storage, 1_000)
      const { lag } = await cursorOf(storage, 'one')
      assert.ok(lag === null || lag === 11_250, `${lag}`)
    }
  },
  {
    title: 'info: has every cursor as get says it, and no group among them',
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual((await storage.log.info()).cursors, [])
      const [first = ''] = await appendSome(storage, 3)
      await storage.queue('group').create('start')
      await storage.cursors.create('b', 'start', { guards: false })
      await storage.cursors.create('a', { after: await behind(storage, first) })
      const { cursors, groups } = await (await harness.open()).log.info()
      const sorted = cursors.toSorted((one, other) => (one.name < other.name ? -1 : 1))
      assert.deepEqual(sorted.map(timeless), [
        timeless(await cursorOf(storage, 'a')),
        timeless(await cursorOf(storage, 'b'))
      ])
      assert.deepEqual(
        groups.map(({ name }) => name),
        ['group']
      )
    }
  },
  {
    title: 'cursors.remove: resolves to whether there was one; a new one of the name begins where it is created',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 3)
      await storage.cursors.create('one', 'start')
      assert.equal(await storage.cursors.remove('another'), false)
      assert.equal(await storage.cursors.remove('one'), true)
      assert.equal(await storage.cursors.remove('one'), false)
      assert.equal(await storage.cursors.get('one'), undefined)
      assert.equal(await storage.cursors.create('one', 'end', { guards: false }), true)
      const { lag, guards } = await cursorOf(storage, 'one')
      assert.deepEqual([lag, guards], [0, false])
    }
  },
  {
    title: 'cursors: outlive the handle that made them, and stay when entries are trimmed',
    needs: ({ features: { persistent } }) => persistent,
    async run(harness) {
      const storage = await harness.open()
      const [, position = ''] = await appendedPositions(storage, 5)
      await storage.cursors.create('one', { after: position }, { guards: false })
      await storage.log.trim({ maxLength: 1 })
      await storage.close()
      const after = await harness.open()
      const expected = { name: 'one', position, guards: false, lag: 1 }
      assert.deepEqual(timeless(await cursorOf(after, 'one')), expected)
    }
  },
  {
    title: 'cursors: a name may be any text of 1 to 500 characters; another is refused, and nothing is created',
    async run(harness) {
      const storage = await harness.open()
      const names = ['a', 'A', 'a ', 'ä', '__proto__', 'a:b{c}', 'two words', '💱'.repeat(250), 'n'.repeat(500)]
      for (const name of names) assert.equal(await storage.cursors.create(name, 'start'), true, name)
      assert.deepEqual(new Set((await storage.log.info()).cursors.map(({ name }) => name)), new Set(names))
      for (const name of ['', 'n'.repeat(501), 'half \ud83c']) {
        await rejectsWith(() => storage.cursors.get(name), 'invalid_argument')
        await rejectsWith(() => storage.cursors.create(name, 'start'), 'invalid_argument')
        await rejectsWith(() => storage.cursors.remove(name), 'invalid_argument')
      }
      await rejectsWith(() => storage.cursors.create('new', { time: Number.NaN }), 'invalid_argument')
      await rejectsWith(() => storage.cursors.create('new', { after: 'nonsense' }), 'invalid_message_id')
      assert.equal(await storage.cursors.get('new'), undefined)
    }
  }
]

/** What a case knows of a cursor that exists. */
export async function cursorOf(storage: Storage, name: string): Promise<CursorInfo> {
  const cursor = await storage.cursors.get(name)
  assert.ok(cursor !== undefined, `there was to be a cursor ${name}`)
  return cursor
}

export async function moveTo(storage: Storage, name: string, to: MessageId): Promise<void> {
  const [result] = await storage.commit([{ cursors: [{ name, to }] }])
  assert.equal(result?.kind, 'committed')
}

async function idsBehind(storage: Storage, name: string): Promise<MessageId[]> {
  const { position } = await cursorOf(storage, name)
  return idsOf((await storage.log.read({ from: { after: position }, limit: 1_000 })).entries)
}

/** Fails unless the lag of the cursor in ms is the age of the entry. */
async function hasAgeOf(storage: Storage, name: string, messageId: MessageId): Promise<void> {
  const earliest = Date.now()
  const { lagMs } = await cursorOf(storage, name)
  const appendedAt = await timeOf(storage, messageId)
  const [least, most] = [earliest - appendedAt - ROUNDING_MS, Date.now() - appendedAt + ROUNDING_MS]
  assert.ok(lagMs >= least && lagMs <= most, `${lagMs} was to be from ${least} to ${most} ms`)
}

function timeless({ name, position, guards, lag }: CursorInfo) {
  return { name, position, guards, lag }
}

function lagOf({ lag, lagMs }: CursorInfo): [number | null, number] {
  return [lag, lagMs]
}
