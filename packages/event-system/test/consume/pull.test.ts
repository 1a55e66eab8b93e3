import { createEvent, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventPuller, EventSubscriber, type PullOptions } from '../../src/consume/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { mustPartition } from '../../src/log/partitioned-group.ts'
import { DeadLetterOffice } from '../../src/operate/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals } from '../support/events.ts'

const DESK = { group: 'desk', from: 'start' } as const
const pricesOf = (pulled: readonly { event: { data: Record<string, unknown> } }[]) =>
  pulled.map(({ event }) => event.data.price)
const idsOf = (pulled: readonly { deliveryId: string }[]) => pulled.map(({ deliveryId }) => deliveryId)

function pullerOf(storage: Storage) {
  return new EventPuller({ storage })
}

describeOnEachLog('pulling', (logs) => {
  test('hands out each event once, at most so many at a time, and what is acknowledged never again', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, ...signals(5))
    const first = await puller.pull({ ...DESK, max: 3 })
    expect(pricesOf(first)).toEqual([0, 1, 2])
    expect(first.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
    expect(await puller.acknowledge('desk', idsOf(first))).toEqual([])
    const rest = await puller.pull({ ...DESK, leaseMs: 100 })
    expect(pricesOf(rest)).toEqual([3, 4])
    expect(await puller.pull(DESK)).toEqual([])
    expect((await storage.queue('desk').info()).pending).toBe(2)
  })

  test('waits for the first event, and ends when the time is up', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    expect(await puller.pull({ group: 'desk', waitMs: 20 })).toEqual([])
    const pulling = puller.pull({ group: 'desk', waitMs: 20_000 })
    await append(storage, signal())
    expect(await pulling).toHaveLength(1)
  })

  test('what is not settled within its lease is handed out again, and the earlier delivery is lost', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, signal())
    const [late] = await puller.pull({ ...DESK, leaseMs: 100 })
    const [again] = await waitFor(async () => {
      const pulled = await pullerOf(storage).pull({ ...DESK, consumer: 'other', leaseMs: 100 })
      return pulled.length > 0 && pulled
    })
    expect(again?.attempt).toBe(2)
    const id = late?.deliveryId ?? ''
    expect(await puller.acknowledge('desk', [id])).toEqual([id])
    expect(await puller.extend('desk', [id])).toEqual([id])
    expect(await puller.nack('desk', [id], { reason: 'late' })).toEqual({ dead: [], lost: [id] })
    expect(await puller.nack('desk', [id])).toEqual({ dead: [], lost: [id] })
    expect(await puller.acknowledge('desk', [again?.deliveryId ?? ''])).toEqual([])
    expect((await storage.queue('desk').info()).pending).toBe(0)
  })

  test('a lease that is extended does not end', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, signal())
    const pulled = await puller.pull({ ...DESK, leaseMs: 2_000 })
    const until = Date.now() + 2_500
    await waitFor(async () => {
      expect(await puller.extend('desk', idsOf(pulled))).toEqual([])
      expect(await puller.pull({ ...DESK, consumer: 'other', leaseMs: 2_000 })).toEqual([])
      return Date.now() > until
    })
    expect(await puller.acknowledge('desk', idsOf(pulled))).toEqual([])
  })

  test('what is handed back without a reason is no failure, however often', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, signal())
    for (let i = 0; i < 7; i++) {
      const [one] = await puller.pull({ ...DESK, maxAttempts: 2 })
      expect(await puller.nack('desk', idsOf(one ? [one] : []))).toEqual({ dead: [], lost: [] })
    }
    const [one] = await puller.pull(DESK)
    await puller.nack('desk', [one?.deliveryId ?? ''], { delayMs: 60_000 })
    expect(await puller.pull({ ...DESK, leaseMs: 100 })).toEqual([])
  })

  test('failures are counted, also by another process; after maxAttempts the event is dead, with its first and last error', async () => {
    const storage = await logs.open()
    const [messageId] = await append(storage, signal())
    const fail = async (reason: string) => {
      const [one] = await waitFor(async () => {
        const pulled = await pullerOf(storage).pull({ ...DESK, maxAttempts: 3 })
        return pulled.length > 0 && pulled
      })
      const { dead, lost } = await pullerOf(storage).nack('desk', [one?.deliveryId ?? ''], { reason, delayMs: 1 })
      expect(lost).toEqual([])
      return dead.length
    }
    expect(await fail('first')).toBe(0)
    expect(await fail('second')).toBe(0)
    expect(await fail('third')).toBe(1)
    const office = new DeadLetterOffice({ storage })
    expect(await office.list()).toMatchObject([
      {
        messageId,
        group: 'desk',
        handler: 'puller',
        kind: 'exhausted',
        attempts: 3,
        eventType: 'trading_signal',
        firstError: { message: 'first' },
        lastError: { message: 'third' }
      }
    ])
    expect(await pullerOf(storage).pull(DESK)).toEqual([])
  })

  test('what is rejected is dead at once, with the payload that the group was given', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, signal('APPL'))
    const reject = async () => {
      const [one] = await puller.pull(DESK)
      return puller.nack('desk', [one?.deliveryId ?? ''], { reason: 'no such symbol', reject: true })
    }
    expect((await reject()).dead).toHaveLength(1)
    const office = new DeadLetterOffice({ storage })
    const [letter] = await office.list()
    expect(letter).toMatchObject({ kind: 'rejected', attempts: 1 })
    await office.requeue(letter?.id ?? '', { by: 'ada', data: { symbol: 'AAPL', signal: 'BUY' } })
    await reject()
    expect(JSON.parse((await office.list())[0]?.payload ?? '').data.symbol).toBe('AAPL')
  })

  test('events of other types are acknowledged, what is no event goes to the dead letters, and invalid data are pulled', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, createEvent(EventType.SYSTEM_HEALTH, {}), signal(), {
      ...signal(),
      data: { symbol: '' }
    } as never)
    await storage.log.append([{ eventId: 'x', eventType: 'x', payload: 'no JSON' }])
    const pulled = await puller.pull({ ...DESK, eventTypes: [EventType.TRADING_SIGNAL] })
    expect(pulled.map(({ event }) => event.data.symbol)).toEqual(['AAPL', ''])
    const letters = await new DeadLetterOffice({ storage }).list()
    expect(letters.map(({ kind }) => kind)).toEqual(['poison'])
    expect((await storage.queue('desk').info()).pending).toBe(2)
  })

  test('what kills whoever gets it is given up', async () => {
    const storage = await logs.open()
    await append(storage, signal())
    const group = storage.queue('desk')
    await group.create('start')
    await group.read('one', { limit: 1, waitMs: 0 })
    for (let i = 0; i < 3; i++) await group.claim('one', { minIdleMs: 0, limit: 1 })
    const claimable = waitFor(async () => {
      await pullerOf(storage).pull({ ...DESK, maxAttempts: 1, leaseMs: 100 })
      return (await new DeadLetterOffice({ storage }).count({ kind: 'exhausted' })) === 1
    })
    await claimable
  })

  test('an aborted pull rejects, and hands back what it had got', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    const abort = new AbortController()
    const pulling = puller.pull({ ...DESK, waitMs: 20_000, signal: abort.signal })
    await waitFor(
      async () =>
        (await storage
          .queue('desk')
          .info()
          .catch(() => undefined)) !== undefined
    )
    abort.abort(new Error('gone'))
    await expect(pulling).rejects.toThrow('gone')
    await append(storage, signal())
    await expect(puller.pull({ ...DESK, signal: abort.signal })).rejects.toThrow('gone')
    expect(await puller.pull(DESK)).toHaveLength(1)
  })

  test('a group that is dropped is made again where it stood', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, ...signals(4))
    const pulled = await puller.pull({ ...DESK, max: 2 })
    await puller.acknowledge('desk', idsOf(pulled))
    await storage.queue('desk').destroy()
    expect(pricesOf(await puller.pull(DESK))).toEqual([2, 3])
  })

  test('shares a group with consumers, but not one that is ordered by key', async () => {
    const storage = await logs.open()
    const subscriber = new EventSubscriber({ storage })
    onTestFinished(async () => void (await subscriber.close()))
    subscriber.registerHandler('*', () => {})
    await subscriber.startConsuming({ group: 'ordered', ordering: 'key' })
    await waitFor(async () =>
      (await mustPartition(storage, 'ordered').info()).consumers.some(({ partitions }) => partitions.length > 0)
    )
    await expect(pullerOf(storage).pull({ group: 'ordered' })).rejects.toMatchObject({ code: 'group_conflict' })
  })

  test('refuses what makes no sense, and changes nothing', async () => {
    const storage = await logs.open()
    const puller = pullerOf(storage)
    await append(storage, signal())
    const [held] = await puller.pull(DESK)
    const id = held?.deliveryId ?? ''
    const pull = (options: Partial<PullOptions>) => () => puller.pull({ ...DESK, ...options })
    const wrong: readonly [() => Promise<unknown>, RegExp][] = [
      [pull({ group: '' }), /^The name of a group/],
      [pull({ group: 'a\nb' }), /^The name of a group/],
      [pull({ consumer: 'x'.repeat(201) }), /^The name of a consumer/],
      [pull({ max: 1_000_000 }), /^max must be a whole number from 1 to 1000, got 1000000/],
      [pull({ max: 0 }), /^max/],
      [pull({ waitMs: -1 }), /^waitMs/],
      [pull({ leaseMs: 0 }), /^leaseMs/],
      [pull({ maxAttempts: 0 }), /^maxAttempts/],
      [pull({ eventTypes: [] }), /^eventTypes is empty/],
      [() => puller.acknowledge('desk', [id, 'nonsense']), /"nonsense" is no delivery id/],
      [() => puller.acknowledge('other', [id]), /is of the group desk, not of other/],
      [() => puller.nack('desk', [id], { reject: true }), /needs a reason/],
      [() => puller.nack('desk', [id], { delayMs: -1 }), /^delayMs/]
    ]
    for (const [call, message] of wrong) {
      await expect(call().then(() => String(call))).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(message)
      })
    }
    await expect(pull({ eventTypes: ['nope'] })()).rejects.toMatchObject({ code: 'unknown_event_type' })
    expect((await storage.queue('desk').info()).pending).toBe(1)
    expect(await puller.acknowledge('desk', [id])).toEqual([])
  })
})
