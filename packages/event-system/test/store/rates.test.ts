import { createEvent } from '@tradpal/events'
import { expect, it } from 'vitest'
import { EventStore } from '../../src/store/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn, LOGS_WITH_INDEX } from '../support/each-log.ts'
import { append } from '../support/events.ts'

const NOON = Date.UTC(2026, 10, 30, 12)

describeOn(LOGS_WITH_INDEX, 'rates', (under) => {
  it('are of each type, by the minute or the hour, and of the last hour or day where nobody says', async () => {
    const storage = await under.open()
    await append(
      storage,
      createEvent('risk_alert', {}),
      createEvent('risk_alert', {}),
      createEvent('system_health', {})
    )
    await storage.log.trim({ maxLength: 0 })
    const store = new EventStore({ storage })
    const counts = { risk_alert: 2, system_health: 1 }
    for (const per of ['minute', 'hour'] as const) {
      const [rate, ...more] = await store.getRates({ per })
      expect(more).toEqual([])
      expect(rate?.counts).toEqual(counts)
      expect(Date.now() - (rate?.at ?? 0)).toBeLessThan(2 * 3_600_000)
    }
    expect((await store.getRates({ eventType: ['system_health'] }))[0]?.counts).toEqual({ system_health: 1 })
    expect(await store.getRates({ eventType: 'trading_signal' })).toEqual([])
    const later = new EventStore({ storage, clock: new FakeClock(Date.now() + 2 * 3_600_000) })
    expect(await later.getRates()).toEqual([])
    expect(await later.getRates({ per: 'hour' })).toHaveLength(1)
    expect(await store.getRates({ startTime: NOON, endTime: NOON })).toEqual([])
  })

  it('refuse a wrong range', async () => {
    const store = new EventStore({ storage: await under.open() })
    const cases = [
      { startTime: NOON + 1, endTime: NOON },
      { startTime: 'noon' },
      { per: 'day' as 'hour' },
      { eventType: [] }
    ]
    for (const query of cases) await expect(store.getRates(query)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(store.getRates({ limit: 1 } as object)).rejects.toMatchObject({ code: 'invalid_options' })
  })
})

describeOn(
  ALL_LOGS.filter((log) => !LOGS_WITH_INDEX.includes(log)),
  'rates, of a log without an index',
  (under) => {
    it('are refused, with what would be right', async () => {
      const store = new EventStore({ storage: await under.open() })
      await expect(store.getRates()).rejects.toMatchObject({
        code: 'unsupported',
        message: 'This log has no index, and so no counts: turn the index on (EVENT_INDEX=on).'
      })
    })
  }
)
