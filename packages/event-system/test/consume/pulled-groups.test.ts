import { join } from 'node:path'
import { createEvent, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { EventPuller, EventSubscriber } from '../../src/consume/index.ts'
import { Documents } from '../../src/log/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { GroupOffice } from '../../src/operate/index.ts'
import { type Logger, silentLogger } from '../../src/runtime/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals, withFaults } from '../support/events.ts'

const DESK = { group: 'desk', from: 'start' } as const
const SIGNALS = { ...DESK, eventTypes: ['trading_signal'] }
const health = () => createEvent(EventType.SYSTEM_HEALTH, {})
const idsOf = (pulled: readonly { deliveryId: string }[]) => pulled.map(({ deliveryId }) => deliveryId)

describeOnEachLog('a group that is pulled', (logs) => {
  test('keeps the event types of its first pull: a pull with others is refused, and acknowledges nothing', async () => {
    const storage = await logs.open()
    const desk = new EventPuller({ storage })
    await append(storage, signal(), health())
    expect(await desk.pull({ ...DESK, eventTypes: ['system_health', 'trading_signal'], max: 1 })).toHaveLength(1)
    const elsewhere = new EventPuller({ storage: await logs.open() })
    for (const eventTypes of [
      ['trading_signal'],
      ['system_health', 'trading_signal', 'risk_alert'],
      undefined,
      ['*']
    ]) {
      const pull = elsewhere.pull({ ...DESK, ...(eventTypes && { eventTypes }) })
      await expect(pull).rejects.toMatchObject({
        code: 'group_conflict',
        message: expect.stringMatching(
          /is pulled with system_health, trading_signal, not with (trading_signal|.*risk_alert.*|all event types): /
        )
      })
    }
    expect(await new GroupOffice({ storage }).get('desk')).toMatchObject({ pending: 1, lag: 1 })
    const eventTypes = ['trading_signal', 'system_health', 'trading_signal']
    expect(await elsewhere.pull({ ...DESK, eventTypes })).toMatchObject([{ event: { eventType: 'system_health' } }])
  })

  test('goes on where it was made when it is lost, also when who made it died before that was kept', async () => {
    const storage = await logs.open()
    const dying = withFaults(storage, {
      commit: async (units) => {
        if (units.some(({ write }) => write?.[0]?.collection === 'group-places')) throw new Error('the process died')
        return storage.commit(units)
      }
    })
    const pull = { group: 'desk', from: 'new', max: 1 } as const
    await expect(new EventPuller({ storage: dying }).pull(pull)).rejects.toThrow('the process died')
    const next = new EventPuller({ storage })
    await next.pull(pull)
    await append(storage, ...signals(2))
    await storage.queue('desk').destroy()
    expect(await next.pull({ ...pull, max: 2 })).toHaveLength(2)
  })

  test('keeps its attempts: a pull that names others is refused, and one that names none has those', async () => {
    const storage = await logs.open()
    const desk = new EventPuller({ storage })
    await append(storage, ...signals(2))
    const first = await desk.pull({ ...DESK, max: 1, maxAttempts: 1 })
    await expect(desk.pull({ ...DESK, maxAttempts: 5 })).rejects.toMatchObject({
      code: 'group_conflict',
      message: expect.stringMatching(/gives up an event after 1 failure, not after 5: /)
    })
    const elsewhere = new EventPuller({ storage: await logs.open() })
    const second = await elsewhere.pull(DESK)
    for (const ids of [idsOf(first), idsOf(second)]) {
      expect(await elsewhere.nack('desk', ids, { reason: 'no' })).toEqual({ dead: ids, lost: [] })
    }
  })

  test('is set by one of several first pulls at the same time', async () => {
    const storage = await logs.open()
    const types = ['trading_signal', 'system_health', 'risk_alert', 'order_executed']
    const pulls = await Promise.all(
      types.map(async (type) => {
        const desk = new EventPuller({ storage: await logs.open() })
        return () => desk.pull({ ...DESK, eventTypes: [type] })
      })
    )
    const results = await Promise.allSettled(pulls.map((pull) => pull()))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const { pulled } = await new GroupOffice({ storage }).get('desk')
    const winner = results.findIndex(({ status }) => status === 'fulfilled')
    expect(pulled).toEqual({ eventTypes: [types[winner]], maxAttempts: 5 })
  })

  test('is not set by a pull that may not, unless that pull makes it', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    const desk = new EventPuller({ storage })
    await storage.queue('desk').create('start')
    await append(storage, health(), signal())
    for (let i = 0; i < 2; i++) {
      await expect(desk.pull({ ...SIGNALS, mayAdopt: false })).rejects.toMatchObject({
        code: 'group_conflict',
        message: expect.stringMatching(/groups set-types desk trading_signal/)
      })
    }
    expect(await office.get('desk')).toMatchObject({ pulled: null, pending: 0, lag: 2 })
    await office.changePulling('desk', { eventTypes: ['trading_signal'] })
    expect(await desk.pull({ ...SIGNALS, mayAdopt: false })).toHaveLength(1)
    expect(await desk.pull({ ...SIGNALS, group: 'own', mayAdopt: false })).toHaveLength(1)
    expect((await office.get('own')).pulled).toEqual({ eventTypes: ['trading_signal'], maxAttempts: 5 })
  })

  test('is made again, by a pull that may not set others, after an operator dropped it', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    const desk = new EventPuller({ storage })
    const pull = () => desk.pull({ ...SIGNALS, mayAdopt: false })
    await pull()
    await office.remove('desk', { force: true })
    await append(storage, signal())
    expect(await pull()).toHaveLength(1)
    expect((await office.get('desk')).pulled).toEqual({ eventTypes: ['trading_signal'], maxAttempts: 5 })
  })

  test('is changed by an operator, also while a pull waits: what that pull did not ask for is not acknowledged', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    const desk = new EventPuller({ storage })
    const waiting = desk.pull({ ...SIGNALS, waitMs: 20_000 })
    await waitFor(async () => (await office.list())[0]?.pulled !== undefined, { what: 'the pull' })
    const changed = await office.changePulling('desk', { eventTypes: ['trading_signal', 'system_health'] })
    expect(changed).toEqual({ eventTypes: ['system_health', 'trading_signal'], maxAttempts: 5 })
    await append(storage, health())
    await expect(waiting).rejects.toMatchObject({ code: 'group_conflict' })
    const eventTypes = ['trading_signal', 'system_health']
    expect(await desk.pull({ ...DESK, eventTypes })).toMatchObject([{ attempt: 1 }])
  })

  test('shows how it is set, and forgets it when it is dropped', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    const desk = new EventPuller({ storage })
    await desk.pull({ ...SIGNALS, maxAttempts: 3 })
    await storage.queue('brokers').create('start')
    const pulled = { eventTypes: ['trading_signal'], maxAttempts: 3 }
    expect(await office.list()).toMatchObject([
      { name: 'brokers', pulled: null },
      { name: 'desk', pulled }
    ])
    expect(await office.get('desk')).toMatchObject({ pulled })
    expect(await office.changePulling('desk', { maxAttempts: 7 })).toEqual({ ...pulled, maxAttempts: 7 })
    expect(await office.changePulling('desk', { eventTypes: null })).toEqual({ eventTypes: null, maxAttempts: 7 })
    expect(await office.changePulling('brokers', { eventTypes: ['*'] })).toEqual({ eventTypes: null, maxAttempts: 5 })
    await office.remove('desk', { force: true })
    expect(await new EventPuller({ storage }).pull(DESK)).toEqual([])
    expect((await office.get('desk')).pulled).toEqual({ eventTypes: null, maxAttempts: 5 })
  })

  test('with a filter is told of by consumers that embed the library, when they join', async () => {
    const storage = await logs.open()
    await new EventPuller({ storage }).pull(SIGNALS)
    await new EventPuller({ storage }).pull({ ...DESK, group: 'unfiltered' })
    const warnings: unknown[] = []
    const logger: Logger = { ...silentLogger, warn: (what) => void warnings.push(what), child: () => logger }
    const subscriber = new EventSubscriber({ storage, logger })
    onTestFinished(async () => void (await subscriber.close()))
    subscriber.registerHandler('*', () => {})
    for (const group of ['desk', 'unfiltered', 'own']) await subscriber.startConsuming({ group })
    expect(warnings).toEqual([{ types: 'trading_signal' }])
  })

  test('that was dropped halfway is dropped for good by dropping it again', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    await new EventPuller({ storage }).pull(SIGNALS)
    await storage.queue('desk').destroy()
    await office.remove('desk')
    await expect(office.remove('desk')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('is not changed in a way that makes no sense', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    await new EventPuller({ storage }).pull(SIGNALS)
    const refused: readonly [Parameters<GroupOffice['changePulling']>[1], string][] = [
      [{}, 'invalid_argument'],
      [{ eventTypes: [] }, 'invalid_argument'],
      [{ eventTypes: ['nope'] }, 'unknown_event_type'],
      [{ maxAttempts: 0 }, 'invalid_argument'],
      [{ maxAttempts: 1.5 }, 'invalid_argument'],
      [{ maxAttempts: 1_001 }, 'invalid_argument']
    ]
    for (const [change, code] of refused) {
      await expect(office.changePulling('desk', change)).rejects.toMatchObject({ code })
    }
    await expect(office.changePulling('nobody', { maxAttempts: 1 })).rejects.toMatchObject({ code: 'not_found' })
    expect((await office.get('desk')).pulled).toEqual({ eventTypes: ['trading_signal'], maxAttempts: 5 })
    await new Documents(storage).put('pulled-groups', 'desk', '{"version":9}')
    const elsewhere = new EventPuller({ storage })
    await expect(elsewhere.pull(SIGNALS)).rejects.toMatchObject({ code: 'log_incompatible' })
  })
})

describeOnEachLog('the limit of groups', (logs) => {
  test('refuses a pull that would make one more, of many at the same time too, and lets consumers make theirs', async () => {
    const storage = await logs.open()
    const clock = new FakeClock(Date.now())
    const puller = new EventPuller({ storage, clock, maxGroups: 3 })
    const pull = (group: string) => puller.pull({ group })
    const results = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map(pull))
    expect(results.map(({ status }) => status)).toEqual([...Array(3).fill('fulfilled'), 'rejected', 'rejected'])
    expect(results[4]).toMatchObject({
      reason: { code: 'group_conflict', message: expect.stringMatching(/3 consumer groups.*EVENT_MAX_GROUPS/) }
    })
    expect(await pull('a')).toEqual([])
    const subscriber = new EventSubscriber({ storage })
    onTestFinished(async () => void (await subscriber.close()))
    subscriber.registerHandler('*', () => {})
    await subscriber.startConsuming({ group: 'own' })
    const office = new GroupOffice({ storage })
    expect((await office.list()).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'own'])
    expect(await new Documents(storage).all('pulled-groups')).toHaveLength(3)
    for (const group of ['a', 'b']) await office.remove(group, { force: true })
    await clock.advance(1_000)
    expect(await pull('d')).toEqual([])
  })
})

test('the limit of groups is 1,000 where nobody says another', { timeout: 60_000 }, async () => {
  const storage = new SqliteStorage({ path: join(await newFolder(), 'events.db') })
  onTestFinished(() => storage.close())
  await storage.start()
  for (let i = 0; i < 999; i++) await storage.queue(`g-${i}`).create('start')
  const puller = new EventPuller({ storage })
  expect(await puller.pull({ group: 'the 1,000th' })).toEqual([])
  await expect(puller.pull({ group: 'the 1,001st' })).rejects.toMatchObject({ code: 'group_conflict' })
})
