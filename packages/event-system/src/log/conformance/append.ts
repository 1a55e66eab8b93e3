import assert from 'node:assert/strict'
import { newEventId as newUuid } from '@tradpal/events'
import type { AppendEntry, AppendResult, Entry, PendingEntry } from '../port.ts'
import { assertGrowing, idsOf, newEventId, payloadsOf, readAll, seededRandom, someEntries, timeOf } from './entries.ts'
import { eventually } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { labelledEntry } from './labelled.ts'

export const appendCases: readonly ConformanceCase[] = [
  {
    title: 'append: appends all, in order; ids grow strictly',
    async run(harness) {
      const storage = await harness.open()
      const first = await storage.log.append(someEntries(300))
      const second = await storage.log.append(someEntries(1, 300))
      const ids = idsOf([...first, ...second])
      assertGrowing(storage, ids)
      const entries = await readAll(storage)
      assert.deepEqual(idsOf(entries), ids)
      assert.deepEqual(
        payloadsOf(entries),
        Array.from({ length: 301 }, (_, index) => `entry ${index}`)
      )
      assert.ok([...first, ...second].every(({ duplicate }) => !duplicate))
    }
  },
  {
    title: 'append: calls at the same time, by two handles, each keep their entries together and in order',
    async run(harness) {
      const logs = [await harness.open(), await harness.open()]
      const calls = Array.from({ length: 40 }, (_, call) => ({ call, entries: someEntries(25, call * 25) }))
      const results = await Promise.all(calls.map(({ call, entries }) => logs[call % 2]?.log.append(entries)))
      const [storage] = logs
      assert.ok(storage)
      const stored = await readAll(storage)
      assert.equal(stored.length, 1_000)
      assertGrowing(storage, idsOf(stored))
      for (const { call } of calls) {
        const ids = idsOf(results[call] ?? [])
        const start = stored.findIndex(({ messageId }) => messageId === ids[0])
        const own = stored.slice(start, start + 25)
        assert.deepEqual(idsOf(own), ids, 'nothing stands between the entries of one call')
        assert.deepEqual(
          payloadsOf(own),
          Array.from({ length: 25 }, (_, index) => `entry ${call * 25 + index}`)
        )
      }
    }
  },
  {
    title:
      'append: event ids that are alike but for their ends are each known again, however many, alone, together and twice in a call',
    async run(harness) {
      const storage = await harness.open()
      const alike = Array.from({ length: 150 }, (_, i) => {
        const ending = ((i * 7_919) % 10_000).toString(16).padStart(12, '0')
        return { eventId: `00000000-0000-4000-8000-${ending}`, eventType: 'risk_alert', payload: ending }
      })
      const first = []
      for (const one of alike.slice(0, 75)) first.push(...(await storage.log.append([one])))
      first.push(...(await storage.log.append(alike.slice(75))))
      assert.ok(first.every(({ duplicate }) => !duplicate))
      const known = first.map(({ messageId }) => ({ messageId, duplicate: true }))
      assert.deepEqual(await storage.log.append(alike), known)
      const other = await harness.open()
      assert.deepEqual((await Promise.all(alike.map((one) => other.log.append([one])))).flat(), known)
      const late = alike.slice(0, 20).map((one) => ({ ...one, eventId: one.eventId.replace('-8000-0', '-8000-f') }))
      const twice = await storage.log.append([...late, ...late])
      assert.ok(twice.slice(0, 20).every(({ duplicate }) => !duplicate))
      assert.deepEqual(
        twice.slice(20),
        twice.slice(0, 20).map(({ messageId }) => ({ messageId, duplicate: true }))
      )
    }
  },
  {
    title: 'append: of nothing appends nothing',
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual(await storage.log.append([]), [])
      assert.deepEqual(await readAll(storage), [])
    }
  },
  {
    title: 'append: a repeated event id inside the deduplication window, in the same call, appends nothing and says so',
    async run(harness) {
      const storage = await harness.open()
      const [a, b] = someEntries(2)
      assert.ok(a && b)
      const results = await storage.log.append([a, b, { ...a, payload: 'another' }])
      assert.deepEqual(
        results.map(({ duplicate }) => duplicate),
        [false, false, true]
      )
      assert.equal(results[2]?.messageId, results[0]?.messageId)
      assert.deepEqual(payloadsOf(await readAll(storage)), [a.payload, b.payload])
    }
  },
  {
    title: 'append: a repeated event id, in a later call and by another handle, appends nothing and says so',
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      const entries = someEntries(10)
      const first = await storage.log.append(entries)
      for (const again of [await storage.log.append(entries), await other.log.append(entries)]) {
        assert.deepEqual(
          again,
          first.map(({ messageId }) => ({ messageId, duplicate: true }))
        )
      }
      const mixed = await other.log.append([...entries.slice(8), ...someEntries(1, 10)])
      assert.deepEqual(
        mixed.map(({ duplicate }) => duplicate),
        [true, true, false]
      )
      assert.equal((await readAll(storage)).length, 11)
    }
  },
  {
    title: 'append: two handles that race with the same event ids append each once and get the same message ids',
    async run(harness) {
      const logs = await Promise.all([harness.open(), harness.open(), harness.open()])
      const entries = someEntries(50)
      const results = await Promise.all(logs.flatMap((storage) => entries.map((entry) => storage.log.append([entry]))))
      assert.equal(results.flat().filter(({ duplicate }) => !duplicate).length, 50)
      for (const index of entries.keys()) {
        const ids = logs.map((_, log) => results[log * entries.length + index]?.[0]?.messageId)
        assert.equal(new Set(ids).size, 1)
      }
      assert.equal((await readAll(await harness.open())).length, 50)
    }
  },
  {
    title: 'append: after the deduplication window the same event id is appended again',
    async run(harness) {
      const storage = await harness.open({ deduplicationWindowMs: 300 })
      const [entry] = someEntries(1)
      assert.ok(entry)
      const [first] = await storage.log.append([entry])
      const second = await eventually('an append after the window', async () => {
        const [result] = await storage.log.append([entry])
        return result?.duplicate === false && result
      })
      assertGrowing(storage, [first?.messageId ?? '', second.messageId])
      assert.ok(
        (await timeOf(storage, second.messageId)) - (await timeOf(storage, first?.messageId)) >= 250,
        'not before the window was over'
      )
      const [third] = await storage.log.append([entry])
      assert.deepEqual(third, { messageId: second.messageId, duplicate: true }, 'which starts a new window')
    }
  },
  {
    title: 'append: an event id stays a duplicate when its entry was trimmed meanwhile',
    async run(harness) {
      const storage = await harness.open()
      const entries = someEntries(3)
      const first = await storage.log.append(entries)
      await storage.log.trim({ maxLength: 0 })
      assert.deepEqual(
        await storage.log.append(entries),
        first.map(({ messageId }) => ({ messageId, duplicate: true }))
      )
    }
  },
  {
    title: 'append: an event id stays a duplicate when its entry was appended alone and trimmed meanwhile',
    async run(harness) {
      const storage = await harness.open()
      const entries: AppendEntry[] = []
      const first: AppendResult[] = []
      for (let i = 0; i < 20; i++) {
        const eventId = newUuid()
        const entry = { eventId, eventType: 'risk_alert', payload: JSON.stringify({ event_id: eventId }) }
        entries.push(entry)
        first.push(...(await storage.log.append([entry])))
      }
      await storage.log.trim({ maxLength: 0 })
      const known = first.map(({ messageId }) => ({ messageId, duplicate: true }))
      assert.deepEqual(await storage.log.append(entries), known)
      assert.deepEqual((await Promise.all(entries.map((entry) => storage.log.append([entry])))).flat(), known)
    }
  },
  {
    title: 'append: a payload comes back as it was given: unicode, empty, 1 MB, and anything a seed brings forth',
    async run(harness) {
      const storage = await harness.open()
      const random = seededRandom(20_261_123)
      const payloads = [
        '',
        ' ',
        '{"preis":"1e-8 €","名前":"取引","emoji":"🏦👩‍💻","zero":"\u0000","line":"a\\r\\nb\u2028c"}',
        '\r\n\t"\'\\$%',
        'ß'.repeat(524_288),
        ...Array.from({ length: 200 }, () => randomText(random))
      ]
      for (const payload of payloads)
        await storage.log.append([{ eventId: newEventId(), eventType: 'order_executed', payload }])
      assert.deepEqual(payloadsOf(await readAll(storage, 50)), payloads)
    }
  },
  {
    title: 'append: an event id and an event type may be any text',
    async run(harness) {
      const storage = await harness.open()
      const eventIds = ['a', 'A', 'a ', 'ä', 'a\u0308', 'a:b{c}', '1-0', '*', '🏦']
      const entries = eventIds.map((eventId) => ({ eventId, eventType: `type ${eventId}`, payload: eventId }))
      const first = await storage.log.append(entries)
      assert.ok(first.every(({ duplicate }) => !duplicate))
      assert.ok((await storage.log.append(entries)).every(({ duplicate }) => duplicate))
    }
  },
  {
    title: 'append: an entry says when the log took it, the same wherever it is read',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      const before = Date.now()
      const [{ messageId } = { messageId: '' }] = await storage.log.append([
        labelledEntry({ eventType: 'market_data_update' })
      ])
      const after = Date.now()
      const [{ appendedAt } = { appendedAt: 0 }] = (await storage.log.read({ limit: 1 })).entries
      assert.ok(Math.abs(appendedAt - (before + after) / 2) < 1_000 + (after - before))
      const { value: tailed } = await storage.log.tail('start')[Symbol.asyncIterator]().next()
      const readings: (readonly (Entry | PendingEntry | undefined)[])[] = [
        await storage.log.get([messageId]),
        tailed.entries,
        (await storage.log.read({ limit: 1, direction: 'backward', eventTypes: ['market_data_update'] })).entries,
        await group.read('one', { limit: 1, waitMs: 0 }),
        await group.claim('two', { limit: 1, minIdleMs: 0 }),
        await group.pending({ limit: 1 })
      ]
      for (const [i, reading] of readings.entries()) {
        assert.deepEqual(
          reading.map((one) => one?.appendedAt),
          [appendedAt],
          `reading ${i}`
        )
      }
    }
  }
]

function randomText(random: () => number): string {
  const length = Math.floor(random() ** 4 * 5_000)
  return Array.from({ length }, () => {
    const codePoint = Math.floor(random() < 0.5 ? random() * 128 : random() * 0x110000)
    return codePoint >= 0xd800 && codePoint <= 0xdfff ? '\ufffd' : String.fromCodePoint(codePoint)
  }).join('')
}
