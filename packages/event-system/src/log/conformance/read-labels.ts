import assert from 'node:assert/strict'
import { formatTimePlace } from '../event-time.ts'
import type { Checkpoint, EntryLabel, ReadRange, Storage } from '../port.ts'
import { appendSome, behind, idsOf, readAll } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { eventTimeOf, filtered, labelledEntry, readPages } from './labelled.ts'

const hasIndex: ConformanceCase['needs'] = ({ features: { index } }) => index

const TYPES = ['prices', 'signals', 'orders']
const KEYS = ['BTC', 'ETH', 'SOL', undefined]
const DAY = 86_400_000
const LONG_AGO = Date.UTC(2020, 0, 1)

/** Labels of each type and key in turn. The event times fall and rise, some are equal, some are in the future, and some are left out. */
function someLabels(count: number): EntryLabel[] {
  return Array.from({ length: count }, (_, i) => {
    const [eventType = '', key] = [TYPES[i % TYPES.length], KEYS[i % KEYS.length]]
    const eventTime = i % 5 === 0 ? undefined : LONG_AGO + ((i * 7) % 40) * DAY * 100
    return { eventType, ...(key !== undefined && { key }), ...(eventTime !== undefined && { eventTime }) }
  })
}

async function appendLabelled(storage: Storage, count: number): Promise<void> {
  const entries = someLabels(count).map(labelledEntry)
  for (let i = 0; i < count; i += 1_000) await storage.log.append(entries.slice(i, i + 1_000))
}

const FILTERS: readonly Pick<ReadRange, 'keys' | 'eventTypes'>[] = [
  {},
  { keys: ['BTC'] },
  { keys: ['SOL', 'ETH'] },
  { keys: ['NO SUCH KEY'] },
  { keys: [] },
  { eventTypes: ['orders'] },
  { eventTypes: ['orders', 'prices'] },
  { eventTypes: ['no such type'] },
  { keys: ['BTC', 'ETH'], eventTypes: ['signals', 'orders'] },
  { keys: ['BTC'], eventTypes: [] }
]

const FEW_FILTERS = FILTERS.filter(({ keys, eventTypes }) => keys?.length === 1 || eventTypes?.length === 1)

/** Each filter, either way, page by page, gives what a filter over the whole log gives. */
async function assertReadsAsFiltered(
  storage: Storage,
  time: 'log' | 'event',
  limits: readonly number[],
  filters = FILTERS
): Promise<void> {
  const all = await readAll(storage)
  for (const filter of filters) {
    for (const direction of ['forward', 'backward'] as const) {
      const expected = idsOf(filtered(all, { ...filter, time, direction }))
      for (const limit of limits) {
        const found = idsOf(await readPages(storage, { ...filter, time, direction, limit }))
        assert.deepEqual(found, expected, `${JSON.stringify(filter)} ${direction} by ${limit}`)
      }
    }
  }
}

export const readLabelCases: readonly ConformanceCase[] = [
  {
    title: 'append: takes a key of 1 to 200 characters and an event time in whole ms, and no others',
    async run(harness) {
      const storage = await harness.open()
      const label = { eventType: 'prices', key: 'x'.repeat(200), eventTime: -1 }
      await storage.log.append([labelledEntry(label)])
      for (const wrong of [{ key: '' }, { key: 'x'.repeat(201) }, { eventTime: 1.5 }, { eventTime: Number.NaN }]) {
        const entry = labelledEntry({ ...label, ...wrong })
        await rejectsWith(() => storage.log.append([entry]), 'invalid_argument')
        await rejectsWith(() => storage.commit([{ append: { entries: [entry] } }]), 'invalid_argument')
      }
      for (const key of ['', 'x'.repeat(201)]) {
        await rejectsWith(() => storage.log.read({ keys: [key], limit: 1 }), 'invalid_argument')
      }
      assert.equal((await readAll(storage)).length, 1)
    }
  },
  {
    title: 'read: narrows by key and event type from an index, either way, page by page',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 120)
      await assertReadsAsFiltered(storage, 'log', [1, 7, 1_000])
    }
  },
  {
    title:
      'read: by event time is in the order of the event times, and in log order where they are equal, either way, page by page',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 120)
      await assertReadsAsFiltered(storage, 'event', [1, 7, 1_000])
    }
  },
  {
    title: 'read: by event time says of each entry when it happened, and with its id that is a position',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 30)
      const { entries } = await storage.log.read({ time: 'event', limit: 100 })
      for (const [i, entry] of entries.entries()) {
        assert.equal(entry.eventTime, eventTimeOf(entry))
        const after = formatTimePlace({ eventTime: eventTimeOf(entry), messageId: entry.messageId })
        const rest = await storage.log.read({ from: { after }, time: 'event', limit: 100 })
        assert.deepEqual(idsOf(rest.entries), idsOf(entries.slice(i + 1)))
      }
      const inLogOrder = await storage.log.read({ limit: 100 })
      assert.ok(inLogOrder.entries.every((entry) => !('eventTime' in entry)))
    }
  },
  {
    title:
      'read: a page that is read backward by event time leads to what happens after it, and an empty one to all that comes',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      const newest = () => storage.log.read({ direction: 'backward', time: 'event', limit: 1 })
      const behindPage = async ({ from }: { readonly from: Checkpoint }) =>
        (await storage.log.read({ from: { after: from }, time: 'event', limit: 100 })).entries
      const empty = await newest()
      await appendLabelled(storage, 30)
      assert.equal((await behindPage(empty)).length, 30)
      const page = await newest()
      assert.deepEqual(await behindPage(page), [])
      const later = { eventType: 'prices', eventTime: Date.UTC(2_100, 0, 1) }
      const [appended] = await storage.log.append([labelledEntry(later)])
      assert.deepEqual(idsOf(await behindPage(page)), [appended?.messageId])
    }
  },
  {
    title: 'read: by key, backward, of which nothing is found begins behind all that was there',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 30)
      const { entries, from } = await storage.log.read({ keys: ['NONE'], direction: 'backward', limit: 10 })
      assert.deepEqual(entries, [])
      const ids = await appendSome(storage, 1)
      assert.deepEqual(idsOf((await storage.log.read({ from: { after: from }, limit: 10 })).entries), ids)
    }
  },
  {
    title: 'read: by key and by event time of a log that is long is as of one that is short',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 9_000)
      await assertReadsAsFiltered(storage, 'log', [3_000], FEW_FILTERS)
      await assertReadsAsFiltered(storage, 'event', [3_000], FEW_FILTERS)
    }
  },
  {
    title:
      'read: a range of event times includes its first and its last ms, and an entry without one counts as of when it was taken',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 120)
      const all = await readAll(storage)
      const now = all[0]?.appendedAt ?? 0
      const times = [LONG_AGO, LONG_AGO + 300 * DAY, LONG_AGO + 300 * DAY + 1, now, now + 60_000]
      for (const since of times) {
        for (const until of times) {
          const range = { from: { time: since }, to: { time: until }, time: 'event', limit: 10 } as const
          const found = idsOf(await readPages(storage, range))
          assert.deepEqual(found, idsOf(filtered(all, { time: 'event', since, until })), `${since} to ${until}`)
        }
      }
    }
  },
  {
    title: 'read: by key and by event time leaves out what was trimmed or removed, and its pages are full',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 6_000)
      await storage.log.trim({ maxLength: 5_000 })
      const ids = idsOf(await readAll(storage))
      await storage.log.remove(ids.filter((_, i) => i % 3 === 0 || (i > 100 && i < 900)))
      await assertReadsAsFiltered(storage, 'log', [500])
      await assertReadsAsFiltered(storage, 'event', [500])
      await storage.log.trim({ maxLength: 0 })
      for (const time of ['log', 'event'] as const) {
        assert.deepEqual((await storage.log.read({ keys: ['BTC'], time, limit: 10 })).entries, [])
      }
      await appendLabelled(storage, 50)
      await assertReadsAsFiltered(storage, 'event', [7])
    }
  },
  {
    title:
      'read: by event time begins nowhere at the end, and takes no position of a read in log order, nor the other way round',
    needs: hasIndex,
    async run(harness) {
      const storage = await harness.open()
      const [id] = await appendSome(storage, 1)
      await rejectsWith(() => storage.log.read({ from: 'end', time: 'event', limit: 1 }), 'invalid_argument')
      await rejectsWith(
        () => storage.log.read({ from: { time: Number.NaN }, time: 'event', limit: 1 }),
        'invalid_argument'
      )
      const after = await behind(storage, id)
      await rejectsWith(() => storage.log.read({ from: { after }, time: 'event', limit: 1 }), 'invalid_message_id')
      await rejectsWith(
        () => storage.log.read({ to: { checkpoint: after }, time: 'event', limit: 1 }),
        'invalid_message_id'
      )
      const { position } = await storage.log.read({ time: 'event', limit: 1 })
      await rejectsWith(() => storage.log.read({ from: { after: position }, limit: 1 }), 'invalid_message_id')
    }
  },
  {
    title: 'read: by event time is refused where the log has no index, and by key leaves out no entry of the keys',
    needs: ({ features: { index } }) => !index,
    async run(harness) {
      const storage = await harness.open()
      await appendLabelled(storage, 12)
      await rejectsWith(() => storage.log.read({ time: 'event', limit: 1 }), 'unsupported')
      const found = await readPages(storage, { keys: ['BTC'], limit: 5 })
      const all = await readAll(storage)
      assert.deepEqual(idsOf(filtered(found, { keys: ['BTC'] })), idsOf(filtered(all, { keys: ['BTC'] })))
    }
  }
]
