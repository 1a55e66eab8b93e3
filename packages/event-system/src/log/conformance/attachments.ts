import assert from 'node:assert/strict'
import type { Delivery, Storage, Unit, WorkQueue } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { committed } from './commit.ts'
import { done, refused, requeue } from './commit-groups.ts'
import { appendSome, handedOut, idsOf, readAll, someEntries } from './entries.ts'
import { eventually } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const GROUP = 'group'
const ALL = { minIdleMs: 0, limit: 1_000 }

/** The attachments that units set, and how groups keep them. */
export const attachmentCases: readonly ConformanceCase[] = [
  {
    title: 'attach: with the consumer and the attempt, only while that consumer holds the entry so',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 3)
      const attach = (messageId = '', text = '', consumer = 'consumer', attempt = 1): Unit => ({
        attach: [{ group: GROUP, messageId, text, if: { consumer, attempt } }],
        append: { entries: someEntries(1) }
      })
      await group.acknowledge('consumer', deliveries.slice(2))
      const results = await storage.commit([
        attach(ids[0], 'first'),
        attach(ids[0], 'größe 💱\u0000'),
        attach(ids[1], ''),
        attach(ids[1], 'lost', 'heir'),
        attach(ids[1], 'lost', 'consumer', 2),
        attach(ids[2], 'lost'),
        { attach: [{ group: 'none', messageId: ids[0] ?? '', text: 'lost', if: { consumer: 'consumer', attempt: 1 } }] }
      ])
      assert.deepEqual(
        results.slice(3),
        results.slice(3).map(() => refused('attach', 0, 'hold_lost'))
      )
      assert.deepEqual(
        results.slice(0, 3).map(({ kind }) => kind),
        ['committed', 'committed', 'committed']
      )
      assert.deepEqual(await attachmentsOf(group), [
        [ids[0], 'größe 💱\u0000'],
        [ids[1], '']
      ])
      assert.equal((await readAll(storage)).length, 6)
      assert.deepEqual(await group.acknowledge('consumer', deliveries.slice(0, 2)), [], 'the holds are what they were')
    }
  },
  {
    title: 'attach: with the text that was there, only over that text, whoever holds the entry',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 3)
      const replace = async (messageId: string | undefined, from: string, text: string, name = GROUP) =>
        (await storage.commit([{ attach: [{ group: name, messageId: messageId ?? '', text, if: { from } }] }]))[0]
      const conflict = refused('attach', 0, 'conflict')
      await attachTo(storage, deliveries.slice(0, 2), 'first')
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      assert.deepEqual(await replace(ids[0], 'firs', 'lost'), conflict)
      assert.equal((await replace(ids[0], 'first', 'second'))?.kind, 'committed')
      assert.deepEqual(await replace(ids[0], 'first', 'lost'), conflict)
      assert.deepEqual(await replace(ids[2], '', 'lost'), conflict, 'it has none')
      assert.deepEqual(await replace(ids[1], 'first', 'lost', 'no such group'), conflict)
      await group.acknowledge('consumer', deliveries.slice(1, 2))
      assert.deepEqual(await replace(ids[1], 'first', 'lost'), conflict)
      assert.deepEqual(await attachmentsOf(group), [
        [ids[0], 'second'],
        [ids[2], undefined]
      ])
    }
  },
  {
    title: 'attach: of two that race over the same text, one is committed',
    async run(harness) {
      const { storage, ids, deliveries } = await handedOut(await harness.open(), 1)
      const other = await harness.open()
      await attachTo(storage, deliveries, 'first')
      const calls = Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? storage : other).commit([
          { attach: [{ group: GROUP, messageId: ids[0] ?? '', text: `${i}`, if: { from: 'first' } }] }
        ])
      )
      const results = (await Promise.all(calls)).flat()
      assert.equal(results.filter(({ kind }) => kind === 'committed').length, 1)
      const winner = results.findIndex(({ kind }) => kind === 'committed')
      assert.deepEqual(await attachmentsOf(storage.queue(GROUP)), [[ids[0], `${winner}`]])
    }
  },
  {
    title: 'attachment: goes with the entry to whoever gets it next, by claim and a read after a seek back',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 2)
      const other = storage.queue('other')
      await other.create('start')
      await attachTo(storage, deliveries.slice(0, 1), 'text')
      assert.deepEqual(await attachmentsOf(group), [
        [ids[0], 'text'],
        [ids[1], undefined]
      ])
      const claimed = await (await harness.open()).queue(GROUP).claim('heir', ALL)
      assert.deepEqual(textsOf(claimed), ['text', undefined])
      await group.release('heir', claimed)
      assert.deepEqual(textsOf(await group.claim('consumer', ALL)), ['text', undefined])
      await group.extend('consumer', claimed)
      await group.seek('start')
      assert.deepEqual(textsOf(await group.read('consumer', { limit: 10, waitMs: 0 })), ['text', undefined])
      assert.deepEqual(textsOf(await other.read('consumer', { limit: 10, waitMs: 0 })), [undefined, undefined])
    }
  },
  {
    title: 'attachment: survives the consumer that was killed',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue(GROUP)
      await group.create('start')
      const ids = await appendSome(storage, 2)
      await using other = await OtherProcess.start(harness)
      const held = (await other.run('readGroup', {
        group: GROUP,
        consumer: 'victim',
        limit: 2,
        waitMs: 0
      })) as Delivery[]
      const attach = held.slice(0, 1).map(({ messageId, attempt }) => ({
        group: GROUP,
        messageId,
        text: 'what the victim knew',
        if: { consumer: 'victim', attempt }
      }))
      await other.run('commit', { units: [{ attach }] })
      await other.kill()
      const claimed = await eventually('the claim', async () => {
        const deliveries = await group.claim('heir', ALL)
        return deliveries.length === 2 && deliveries
      })
      assert.deepEqual(idsOf(claimed), ids)
      assert.deepEqual(textsOf(claimed), ['what the victim knew', undefined])
    }
  },
  {
    title: 'attachment: a requeue gives the entry its own, in the place of the one that it has',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 3)
      await attachTo(storage, deliveries, 'before')
      await group.acknowledge('consumer', deliveries.slice(2))
      const [first, second, third] = ids
      committed(
        await storage.commit([
          {
            requeue: [
              { ...requeue(first), attachment: 'after' },
              requeue(second),
              { ...requeue(third), attachment: '' }
            ]
          }
        ])
      )
      assert.deepEqual(await attachmentsOf(group), [
        [first, 'after'],
        [second, undefined],
        [third, '']
      ])
      assert.deepEqual(textsOf(await group.claim('heir', ALL)), ['after', undefined, ''])
    }
  },
  {
    title: 'attachment: goes when the entry is acknowledged, by a unit or a call, trimmed or removed',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 5)
      await attachTo(storage, deliveries, 'text')
      const [one, two] = deliveries
      committed(await storage.commit([{ acknowledge: [done(one)] }]))
      await group.acknowledge('consumer', two === undefined ? [] : [two])
      await group.seek('start')
      const again = await group.read('consumer', { limit: 5, waitMs: 0 })
      assert.deepEqual(idsOf(again), ids)
      assert.deepEqual(textsOf(again), [undefined, undefined, 'text', 'text', 'text'])
      await storage.log.trim({ maxLength: 1 }, { force: true })
      await storage.log.remove(ids.slice(4), { force: true })
      assert.deepEqual(await group.claim('heir', ALL), [])
      assert.deepEqual(await group.pending({ limit: 10 }), [])
    }
  },
  {
    title: 'attachment: a group that is made again has none of those that it had',
    async run(harness) {
      const { storage, group, deliveries } = await handedOut(await harness.open(), 2)
      await attachTo(storage, deliveries, 'text')
      await group.destroy()
      await group.create('start')
      const again = await group.read('consumer', { limit: 10, waitMs: 0 })
      assert.deepEqual(textsOf(again), [undefined, undefined])
      assert.deepEqual(
        (await attachmentsOf(group)).map(([, text]) => text),
        [undefined, undefined]
      )
    }
  }
]

/** That the consumer of {@link handedOut} keeps a text with each of them. */
export async function attachTo(storage: Storage, deliveries: readonly Delivery[], text: string): Promise<void> {
  const attach = deliveries.map(({ messageId, attempt }) => ({
    group: GROUP,
    messageId,
    text,
    if: { consumer: 'consumer', attempt }
  }))
  committed(await storage.commit([{ attach }]))
}

async function attachmentsOf(group: WorkQueue): Promise<[string, string | undefined][]> {
  const pending = await group.pending({ limit: 100 })
  return pending.map(({ messageId, attachment }) => [messageId, attachment])
}

function textsOf(deliveries: readonly Delivery[]): (string | undefined)[] {
  return deliveries.map(({ attachment }) => attachment)
}
