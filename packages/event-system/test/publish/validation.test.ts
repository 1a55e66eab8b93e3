import { createEvent, type Event, type Validation } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventSubscriber } from '../../src/consume/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { createTestSystem, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal } from '../support/events.ts'

const made = (data: object): Event => createEvent('trading_signal', data as never, { validation: 'off' })
const STRICT = made({ symbol: 'X', action: 'BUY' })
const PLATFORM = made({ symbol: 'X', signal: 'BUY', price: null })
const OFF = made({ symbol: 7 })

/** What each level takes of these three. */
const TAKES: Readonly<Record<Validation, readonly Event[]>> = {
  strict: [STRICT],
  platform: [STRICT, PLATFORM],
  off: [STRICT, PLATFORM, OFF]
}

describeOnEachLog('a publisher', (logs) => {
  test.each(['strict', 'platform', 'off'] as const)(
    'of the level %s refuses what does not pass it',
    async (validation) => {
      const storage = await logs.open()
      const publisher = new EventPublisher({ storage, validation })
      for (const event of [STRICT, PLATFORM, OFF]) {
        const publishing = publisher.publishEvent({ ...event, eventId: crypto.randomUUID() })
        if (TAKES[validation].includes(event)) await publishing
        else await expect(publishing).rejects.toMatchObject({ code: 'invalid_data' })
      }
      const wrong = [...TAKES[validation], { ...STRICT, data: [] }] as Event[]
      await expect(publisher.publishBatch(wrong)).rejects.toMatchObject({
        code: 'invalid_event',
        index: wrong.length - 1
      })
      const work = publisher.transaction((transaction) => {
        for (const event of TAKES[validation]) transaction.publish({ ...event, eventId: crypto.randomUUID() })
      })
      expect(await work).toHaveLength(TAKES[validation].length)
      expect((await storage.log.info()).length).toBe(2 * TAKES[validation].length)
    }
  )

  test('checks a batch as it would publish it, and appends nothing', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage, validation: 'platform' })
    await publisher.check([STRICT, PLATFORM])
    await expect(publisher.check([STRICT, OFF])).rejects.toMatchObject({ code: 'invalid_data', index: 1 })
    const large = made({ symbol: 'X', note: 'x'.repeat(1_100_000) })
    await expect(publisher.check([PLATFORM, large])).rejects.toMatchObject({ code: 'payload_too_large', index: 1 })
    expect((await storage.log.info()).length).toBe(0)
  })

  test('is strict where nobody says otherwise, and stores what it is given as it is', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    await expect(publisher.publishEvent(PLATFORM)).rejects.toMatchObject({
      code: 'invalid_data',
      pointer: '/data/price'
    })
    const messageId = await publisher.publishEvent(STRICT)
    expect(JSON.parse((await storage.log.get([messageId]))[0]?.payload ?? '')).toMatchObject({
      event_type: 'trading_signal',
      data: { symbol: 'X', action: 'BUY' },
      metadata: {}
    })
    expect(() => new EventPublisher({ storage, validation: 'lax' as never })).toThrow(
      /validation must be one of strict/
    )
  })

  test('in a handler has the level of its subscriber', async () => {
    const storage = await logs.open()
    await append(storage, signal())
    for (const [validation, expected] of [
      [undefined, 'invalid_data'],
      ['platform', 'published']
    ] as const) {
      const outcomes: string[] = []
      const subscriber = new EventSubscriber({ storage, ...(validation && { validation }) })
      onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
      subscriber.registerHandler('trading_signal', (_, context) => {
        try {
          context.publish(PLATFORM)
          outcomes.push('published')
        } catch (error) {
          outcomes.push((error as { code: string }).code)
        }
      })
      await subscriber.startConsuming({ group: `g_${validation}`, from: 'start' })
      await waitFor(() => outcomes.length > 0)
      expect(outcomes[0]).toBe(expected)
      await subscriber.close()
    }
  })
})

test('a system takes the level of its option or variable', async () => {
  for (const options of [{ validation: 'platform' }, { environment: { EVENT_VALIDATION: 'platform' } }] as const) {
    await using test = await createTestSystem(options)
    const { system } = test
    await system.publishEvent({ ...PLATFORM, eventId: crypto.randomUUID() })
    await expect(system.publishEvent(OFF)).rejects.toMatchObject({ code: 'invalid_data', pointer: '/data/symbol' })
  }
})
