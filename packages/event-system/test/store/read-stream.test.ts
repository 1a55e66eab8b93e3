import { createEvent, type Event, EventSystemError, EventType, encodeEvent } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { diagnostics, type EventSystem, type SkippedMessage } from '../../src/index.ts'
import { keysFile } from '../encryption/keys-in-file.ts'
import { customerOf, signalOf, systemOver } from '../encryption/systems.ts'
import { describeOnEachLog, type LogUnderTest } from '../support/each-log.ts'
import { signal, signals } from '../support/events.ts'

const BECAUSE = { by: 'op', reason: 'They asked for it.' }

const SYSTEMS = {
  plain: (under: LogUnderTest) => systemOver(under, {}),
  encrypted: (under: LogUnderTest) => systemOver(under, { encryption: { keysFile: keysFile('a'), keyFor: customerOf } })
} as const

const streamOf = (system: EventSystem, ...args: Parameters<EventSystem['readStream']>) =>
  Array.fromAsync(system.readStream(...args))

describeOnEachLog('the stream of a key', (under) => {
  describe.each(['plain', 'encrypted'] as const)('%s', (how) => {
    const opened = () => SYSTEMS[how](under)

    it('has the events that were published with the key, in order, each with the key and its version', async () => {
      const system = await opened()
      const [first, second, third, fourth] = signals(4) as [Event, Event, Event, Event]
      const receipts = [
        await system.publish(first, { streamKey: 'account-7' }),
        await system.publish(signal('MSFT')),
        await system.publish(signal('MSFT'), { streamKey: 'order-17' }),
        await system.publish(second, { streamKey: 'account-7', expectedVersion: 1 }),
        await system.publish(first, { streamKey: 'account-7' })
      ]
      const messageIds = await system.publishBatch([third, fourth], { streamKey: 'account-7' })
      const places = [receipts[0]?.messageId, receipts[3]?.messageId, ...messageIds]
      const expected = [first, second, third, fourth].map((event, i) => ({
        ...event,
        messageId: places[i],
        valid: true,
        streamKey: 'account-7',
        version: i + 1
      }))
      expect(await streamOf(system, 'account-7')).toEqual(expected)
      expect(await streamOf(system, 'account-7', { fromVersion: 3 })).toEqual(expected.slice(2))
      expect(await streamOf(system, 'account-7', { fromVersion: 5 })).toEqual([])
      expect(await streamOf(system, 'account-8')).toEqual([])
    })

    it('is read in pages, however long it is, and what comes between two pages too', async () => {
      const system = await opened()
      const events = signals(2_300)
      await system.publishBatch(events.slice(0, 2_200), { streamKey: 'account-7' })
      const versions: number[] = []
      const read: string[] = []
      for await (const { version, eventId } of system.readStream('account-7')) {
        if (version === 1) await system.publishBatch(events.slice(2_200), { streamKey: 'account-7' })
        versions.push(version)
        read.push(eventId)
      }
      expect(versions).toEqual(events.map((_, i) => i + 1))
      expect(read).toEqual(events.map(({ eventId }) => eventId))
    })

    it('answers the newest form, and with raw what is stored; nothing is hidden because its data are not valid', async () => {
      const system = await opened()
      const platform = { validation: 'platform', metadata: { schema_version: 0 } } as const
      const old = createEvent('trading_signal', { symbol: 'AAPL', action: 'BUY' } as never, platform)
      const wrong = createEvent('trading_signal', { symbol: 'MSFT', signal: null } as never, platform)
      const storage = await under.open()
      for (const event of [old, wrong]) {
        const { eventId, eventType } = event
        await storage.log.append([{ eventId, eventType, payload: encodeEvent(event), streamKey: 'account-7' }])
      }
      const [newest, invalid] = await streamOf(system, 'account-7')
      expect(newest).toMatchObject({ valid: true, version: 1, data: { symbol: 'AAPL', signal: 'BUY' } })
      expect(invalid).toMatchObject({ valid: false, version: 2, fault: { pointer: '/data/signal' } })
      const raw = await streamOf(system, 'account-7', { raw: true })
      expect(raw.map(({ data }) => data)).toEqual([old.data, wrong.data])
      expect(raw[0]).not.toHaveProperty('valid')
    })

    it('leaves out what was trimmed and what is no event, which the versions show', async () => {
      const system = await opened()
      const storage = await under.open()
      await system.publishBatch(signals(4), { streamKey: 'account-7' })
      const poison = { eventId: 'poison', eventType: 'risk_alert', payload: 'no JSON', streamKey: 'account-7' }
      const [skipped] = await storage.log.append([poison])
      await system.publish(signal(), { streamKey: 'account-7' })
      await system.store.trim({ maxLength: 4 })
      const told: string[] = []
      const note = (message: unknown) => void told.push((message as SkippedMessage).messageId)
      diagnostics.skipped.subscribe(note)
      const versions = (await streamOf(system, 'account-7')).map(({ version }) => version)
      diagnostics.skipped.unsubscribe(note)
      expect(versions).toEqual([3, 4, 6])
      expect(told).toEqual([skipped?.messageId])
    })

    it('rebuilds an aggregate: of many that decide at once from what they read, none oversteps', async () => {
      const system = await opened()
      const rebuilt = async () => {
        const state = { version: 0, bought: 0 }
        for await (const { version, data } of system.readStream('account-7')) {
          state.bought += Number(data.quantity)
          state.version = version
        }
        return state
      }
      const buy = async (): Promise<boolean> => {
        for (;;) {
          const { version, bought } = await rebuilt()
          if (bought >= 10) return false
          const order = createEvent(EventType.ORDER_EXECUTED, {
            symbol: 'AAPL',
            side: 'BUY',
            quantity: 1,
            price: 231.5
          })
          try {
            await system.publish(order, { streamKey: 'account-7', expectedVersion: version })
            return true
          } catch (error) {
            if (!(error instanceof EventSystemError && error.code === 'version_conflict')) throw error
          }
        }
      }
      const bought = await Promise.all(Array.from({ length: 16 }, buy))
      expect(bought.filter(Boolean)).toHaveLength(10)
      expect(await rebuilt()).toEqual({ version: 10, bought: 10 })
    })
  })

  it('leaves out the events of a customer who was erased', async () => {
    const system = await SYSTEMS.encrypted(under)
    const events = [signalOf('stays'), signalOf('goes'), signalOf('stays')]
    await system.publishBatch(events, { streamKey: 'account-7' })
    await system.shred('goes', BECAUSE)
    expect((await streamOf(system, 'account-7')).map(({ version }) => version)).toEqual([1, 3])
  })

  it('refuses a wrong key, version and option in a sentence, at once', async () => {
    const system = await SYSTEMS.plain(under)
    // biome-ignore lint/suspicious/noExplicitAny: as plain JavaScript calls it
    const readers: any[] = [system, system.store]
    for (const reader of readers) {
      for (const key of ['', 'a\n', 7, undefined]) {
        expect(() => reader.readStream(key)).toThrow(
          expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(/^A stream key must be/) })
        )
      }
      for (const fromVersion of [0, -1, 1.5, '1', null]) {
        expect(() => reader.readStream('a', { fromVersion })).toThrow(
          expect.objectContaining({
            code: 'invalid_argument',
            message: `fromVersion must be a whole number of at least 1, got ${fromVersion === '1' ? '"1"' : fromVersion}.`
          })
        )
      }
    }
  })
})
