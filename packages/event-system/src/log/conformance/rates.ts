import assert from 'node:assert/strict'
import type { Entry, Rate, RateRange, Storage } from '../port.ts'
import { readAll } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { labelInPayload, labelledEntry } from './labelled.ts'

const hasRates: ConformanceCase['needs'] = ({ features: { index } }) => index

const LENGTHS = { minute: 60_000, hour: 3_600_000 }

function ratesOf(entries: readonly Entry[], per: RateRange['per']): Rate[] {
  const rates = new Map<number, Record<string, number>>()
  for (const { appendedAt, payload } of entries) {
    const at = appendedAt - (appendedAt % LENGTHS[per])
    const { eventType = '' } = labelInPayload(payload) ?? {}
    const counts = rates.get(at) ?? {}
    counts[eventType] = (counts[eventType] ?? 0) + 1
    rates.set(at, counts)
  }
  return [...rates].map(([at, counts]) => ({ at, counts }))
}

async function appendOfType(storage: Storage, eventType: string, count: number): Promise<void> {
  const entries = Array.from({ length: count }, () => labelledEntry({ eventType, key: 'BTC', eventTime: 0 }))
  for (let i = 0; i < count; i += 1_000) await storage.log.append(entries.slice(i, i + 1_000))
}

async function assertRates(storage: Storage, entries: readonly Entry[]): Promise<void> {
  for (const per of ['minute', 'hour'] as const) {
    assert.deepEqual(await storage.log.rates?.({ per, from: 0, to: Date.now() + 60_000 }), ratesOf(entries, per))
  }
}

export const rateCases: readonly ConformanceCase[] = [
  {
    title:
      'rates: how many entries of each type the log took, by the minute and the hour, also those that it has no more',
    needs: hasRates,
    async run(harness) {
      const storage = await harness.open()
      await assertRates(storage, [])
      await appendOfType(storage, 'prices', 10)
      await appendOfType(storage, 'signals', 5)
      const first = await readAll(storage)
      await assertRates(storage, first)
      await storage.log.trim({ maxLength: 3 })
      await assertRates(storage, first)
      const kept = await readAll(storage)
      await appendOfType(storage, 'prices', 9_000)
      const all = [...first, ...(await readAll(storage)).slice(kept.length)]
      await assertRates(storage, all)
      await storage.log.remove((await readAll(storage)).slice(-50).map(({ messageId }) => messageId))
      await storage.log.trim({ maxLength: 0 })
      await assertRates(storage, all)
      await assertRates(await harness.open(), all)
    }
  },
  {
    title: 'rates: of a range are of each minute or hour that has an instant of it',
    needs: hasRates,
    async run(harness) {
      const storage = await harness.open()
      await appendOfType(storage, 'prices', 3)
      const [entry] = await readAll(storage)
      const taken = entry?.appendedAt ?? 0
      for (const per of ['minute', 'hour'] as const) {
        const length = LENGTHS[per]
        const begin = taken - (taken % length)
        const count = async (from: number, to: number) => (await storage.log.rates?.({ per, from, to }))?.length
        assert.ok(((await count(begin + length - 1, begin + length - 1)) ?? 0) >= 1)
        assert.equal(await count(begin - length, begin - 1), 0)
        assert.equal(await count(begin + 2 * length, begin + 9 * length), 0)
      }
    }
  },
  {
    title: 'rates: are of a minute or an hour, and of instants',
    needs: hasRates,
    async run(harness) {
      const storage = await harness.open()
      const range: RateRange = { per: 'hour', from: 0, to: 0 }
      for (const wrong of [{ per: 'day' }, { from: Number.NaN }, { to: Number.POSITIVE_INFINITY }]) {
        await rejectsWith(async () => storage.log.rates?.({ ...range, ...wrong } as RateRange), 'invalid_argument')
      }
    }
  },
  {
    title: 'rates: are absent where the log has no index',
    needs: ({ features: { index } }) => !index,
    async run(harness) {
      assert.equal((await harness.open()).log.rates, undefined)
    }
  }
]
