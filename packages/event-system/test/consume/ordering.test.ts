import { createEvent, type Event, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, type EventConsumer, EventSubscriber, type Handler } from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import type { PartitionedGroup, Storage } from '../../src/log/index.ts'
import { mustPartition } from '../../src/log/partitioned-group.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isGroupSettled, signal, withFaults } from '../support/events.ts'

const KEYS = ['AAPL', 'MSFT', 'NVDA', 'TSLA', 'AMZN', 'META', 'GOOG', 'AMD']
const soon = { initialMs: 1, maxMs: 1 }

/** Of each key in turn, its running numbers as prices. */
function rounds(count: number, from = 1) {
  return Array.from({ length: count }, (_, round) => KEYS.map((key) => signal(key, from + round))).flat()
}

async function member(
  storage: Storage,
  handler: Handler<'trading_signal'>,
  options: ConsumeOptions = {}
): Promise<EventConsumer> {
  const subscriber = new EventSubscriber({ storage })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  subscriber.registerHandler(EventType.TRADING_SIGNAL, handler, { name: 'test' })
  return subscriber.startConsuming({
    group: 'g',
    from: 'start',
    ordering: 'key',
    leaseMs: 300,
    concurrency: 8,
    ...options
  })
}

async function isSettled(storage: Storage): Promise<boolean> {
  return isGroupSettled(storage, 'g')
}

/** What was handled, by key, in order. */
class Diary {
  readonly byKey = new Map<string, number[]>()
  running = 0
  mostAtOnce = 0

  readonly handler: Handler<'trading_signal'> = async ({ data }) => {
    this.running++
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running)
    const numbers = this.byKey.get(data.symbol) ?? []
    this.byKey.set(data.symbol, numbers)
    numbers.push(data.price ?? 0)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
    this.running--
  }
}

describeOnEachLog('ordering by key', (logs) => {
  test('events of one key are handled one at a time and in log order, different keys at once up to the concurrency', async () => {
    const storage = await logs.open()
    const diary = new Diary()
    await append(storage, ...rounds(20))
    await member(storage, diary.handler, { concurrency: 4 })
    await waitFor(() => isSettled(storage))
    const inOrder = Array.from({ length: 20 }, (_, i) => i + 1)
    expect(Object.fromEntries(diary.byKey)).toEqual(Object.fromEntries(KEYS.map((key) => [key, inOrder])))
    expect(diary.mostAtOnce).toBe(4)
  })

  test('a key that is no text sends the event to the dead letters, which say so, for its order would be lost', async () => {
    const storage = await logs.open()
    const key = (({ data }: Event) => (data.symbol === 'AAPL' ? { symbol: 'AAPL' } : 'MSFT')) as NonNullable<
      ConsumeOptions['key']
    >
    const seen: string[] = []
    await append(storage, signal('AAPL', 1), signal('MSFT', 1))
    await member(storage, ({ data }) => void seen.push(data.symbol), { key })
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual(['MSFT'])
    const [letter] = await new DeadLetters({ storage }).list({ limit: 10 })
    expect(letter?.lastError.message).toBe(
      'key must return a string or undefined for each event, got object. (invalid_options)'
    )
  })

  test('a failing event holds up those of its own key, and no others', async () => {
    const storage = await logs.open()
    let mayPass = false
    const seen: string[] = []
    await append(storage, signal('AAPL', 1), signal('AAPL', 2), signal('MSFT', 1), signal('MSFT', 2))
    await member(
      storage,
      ({ data }) => {
        if (data.symbol === 'AAPL' && data.price === 1 && !mayPass) throw new Error('not yet')
        seen.push(`${data.symbol} ${data.price}`)
      },
      { maxAttempts: 1_000, backoff: soon }
    )
    await waitFor(() => seen.length === 2)
    expect(seen).toEqual(['MSFT 1', 'MSFT 2'])
    mayPass = true
    await waitFor(() => isSettled(storage))
    expect(seen.slice(2)).toEqual(['AAPL 1', 'AAPL 2'])
  })

  test('an event that is given up lets the next of its key pass', async () => {
    const storage = await logs.open()
    const seen: number[] = []
    await append(storage, signal('AAPL', 1), signal('AAPL', 2))
    await member(
      storage,
      ({ data }) => {
        if (data.price === 1) throw new Error('never')
        seen.push(data.price ?? 0)
      },
      { maxAttempts: 2, backoff: soon }
    )
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual([2])
    expect((await new DeadLetters({ storage }).list({ limit: 10 })).map(({ attempts }) => attempts)).toEqual([2])
  })

  test('the key can be any function of the event; what has no key is in order with nothing', async () => {
    const storage = await logs.open()
    const seen: string[] = []
    const gate = Promise.withResolvers<void>()
    const order = (order_id: string, symbol: string) =>
      createEvent(EventType.TRADING_SIGNAL, { symbol, signal: 'BUY', reason: order_id })
    await append(
      storage,
      order('one', 'AAPL'),
      order('one', 'MSFT'),
      order('two', 'AAPL'),
      signal('AAPL', 1),
      signal('AAPL', 2)
    )
    await member(
      storage,
      async ({ data }) => {
        seen.push(`${data.reason ?? data.price} ${data.symbol}`)
        if (data.symbol === 'AAPL' && data.reason === 'one') await gate.promise
      },
      { key: ({ data }) => data.reason as string | undefined }
    )
    await waitFor(() => seen.length === 4)
    expect(seen.toSorted()).toEqual(['1 AAPL', '2 AAPL', 'one AAPL', 'two AAPL'])
    gate.resolve()
    await waitFor(() => isSettled(storage))
    expect(seen.at(-1)).toBe('one MSFT')
  })

  test('an event whose key cannot be told goes to the dead letters as poison, and the group goes on', async () => {
    const storage = await logs.open()
    const seen: number[] = []
    await append(storage, signal('AAPL', 1), signal('AAPL', 2))
    await member(storage, ({ data }) => void seen.push(data.price ?? 0), {
      key: ({ data }) => {
        if (data.price === 1) throw new TypeError('no key in this one')
        return 'k'
      }
    })
    await waitFor(() => isSettled(storage))
    const letters = await new DeadLetters({ storage }).list({ limit: 10 })
    expect(letters.map(({ kind, lastError }) => [kind, lastError.message])).toEqual([['poison', 'no key in this one']])
    expect(seen).toEqual([2])
  })

  test('a member that learns that its partition is lost begins nothing more of it, also behind an event that waits for its retry', async () => {
    const storage = await logs.open()
    const seen: string[] = []
    let isFirst = true
    await append(storage, signal('AAPL', 1), signal('AAPL', 2))
    await member(
      storage,
      async ({ data }) => {
        if (data.price === 1 && isFirst) {
          isFirst = false
          await mustPartition(storage, 'g').destroy()
          seen.push('1 failed')
          throw new Error('not yet')
        }
        seen.push(`${data.price} done`)
      },
      { backoff: soon, leaseMs: 60_000 }
    )
    await waitFor(() => seen.length >= 3)
    expect(seen).toEqual(['1 failed', '1 done', '2 done'])
  })

  test('members share the keys, each key to one of them, also when one joins, leaves and joins again', async () => {
    const storage = await logs.open()
    const diary = new Diary()
    const handledBy = new Map<string, number>()
    const start = (consumer: string) =>
      member(
        storage,
        (event, context) => {
          handledBy.set(consumer, (handledBy.get(consumer) ?? 0) + 1)
          return diary.handler(event, context)
        },
        { consumer, leaseMs: 2_000 }
      )
    await start('one')
    let published = 0
    const publish = async (count: number) => {
      await append(storage, ...rounds(count, published + 1))
      published += count
    }
    const sharedBy = async (...names: string[]) => {
      await waitFor(async () => {
        const { consumers } = await mustPartition(storage, 'g').info()
        const owners = consumers.filter(({ partitions }) => partitions.length > 0).map(({ name }) => name)
        return owners.toSorted().join() === names.join()
      })
    }
    await publish(20)
    const two = await start('two')
    await publish(20)
    await sharedBy('one', 'two')
    await publish(20)
    await start('three')
    await sharedBy('one', 'three', 'two')
    await publish(20)
    await waitFor(() => handledBy.has('two') && handledBy.has('three'))
    await two.close()
    await sharedBy('one', 'three')
    await publish(20)
    await waitFor(() => isSettled(storage))
    const inOrder = Array.from({ length: published }, (_, i) => i + 1)
    expect(Object.fromEntries(diary.byKey)).toEqual(Object.fromEntries(KEYS.map((key) => [key, inOrder])))
    expect([...handledBy.keys()].toSorted()).toEqual(['one', 'three', 'two'])
  })

  test('a partition that a member was to give up, and is not any more as the other has left, goes on in order', async () => {
    const storage = await logs.open()
    let renewals = 0
    const counting = withFaults(storage, {
      partitioned: (name) => {
        const group = mustPartition(storage, name)
        const ofGroup = group.join.bind(group)
        const join: PartitionedGroup['join'] = (consumer, options) => {
          const one = ofGroup(consumer, options)
          const renew = one.renew.bind(one)
          return Object.assign(one, { renew: () => renew().finally(() => renewals++) })
        }
        return Object.assign(group, { join })
      }
    })
    const renewedTwice = async () => {
      const before = renewals
      await waitFor(() => renewals >= before + 2)
    }
    const diary = new Diary()
    const gate = Promise.withResolvers<void>()
    await append(storage, ...rounds(3))
    await member(counting, async (event, context) => {
      await diary.handler(event, context)
      await gate.promise
    })
    await waitFor(() => diary.byKey.size === KEYS.length)
    const cut = { partitions: 8, partitionOf: () => 0 }
    const other = mustPartition(storage, 'g').join('other', { leaseMs: 60_000, cut })
    await other.renew()
    await renewedTwice()
    await other.leave()
    await renewedTwice()
    await append(storage, ...rounds(1, 4))
    gate.resolve()
    await waitFor(() => isSettled(storage))
    expect(Object.fromEntries(diary.byKey)).toEqual(Object.fromEntries(KEYS.map((key) => [key, [1, 2, 3, 4]])))
  })

  test('a group goes over from one ordering to the other when its members have left and nothing is pending', async () => {
    const storage = await logs.open()
    const seen: string[] = []
    let isFailing = true
    let failures = 0
    const consume = async (ordering: 'none' | 'key') => {
      const subscriber = new EventSubscriber({ storage })
      onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
      subscriber.registerHandler(EventType.TRADING_SIGNAL, ({ data }) => {
        if (isFailing) {
          failures++
          throw new Error('not here')
        }
        seen.push(`${ordering} ${data.price}`)
      })
      const claim = ordering === 'none' ? { claimAfterMs: 50 } : { leaseMs: 300 }
      await subscriber.startConsuming({
        group: 'g',
        from: 'start',
        ordering,
        backoff: soon,
        maxAttempts: 10_000,
        ...claim
      })
      return subscriber
    }
    let price = 0
    for (const [before, after] of [
      ['key', 'none'],
      ['none', 'key']
    ] as const) {
      seen.length = 0
      await append(storage, signal('AAPL', ++price))
      isFailing = true
      const first = await consume(before)
      failures = 0
      await waitFor(() => failures >= 2)
      await expect(consume(after)).rejects.toMatchObject({ code: 'group_conflict' })
      await first.close()
      await expect(consume(after)).rejects.toMatchObject({ code: 'group_conflict' })
      isFailing = false
      const again = await consume(before)
      await waitFor(() => isSettled(storage))
      await again.close()
      await append(storage, signal('AAPL', ++price))
      const second = await consume(after)
      await waitFor(() => isSettled(storage))
      await second.close()
      expect(seen).toEqual([`${before} ${price - 1}`, `${after} ${price}`])
      expect((await storage.groupNames()).filter((name) => name === 'g')).toHaveLength(1)
    }
  })

  test('an event that an operator puts back is handled again, by the handlers that had not handled it', async () => {
    const storage = await logs.open()
    const seen: string[] = []
    let isFailing = true
    const subscriber = new EventSubscriber({ storage })
    onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
    subscriber.registerHandler(EventType.TRADING_SIGNAL, ({ data }) => void seen.push(`first ${data.price}`), {
      name: 'first'
    })
    subscriber.registerHandler(
      EventType.TRADING_SIGNAL,
      ({ data }, { attempt }) => {
        if (isFailing && data.price === 1) throw new Error('not yet')
        seen.push(`second ${data.price}, attempt ${attempt}`)
      },
      { name: 'second' }
    )
    await append(storage, signal('AAPL', 1), signal('AAPL', 2))
    await subscriber.startConsuming({ group: 'g', from: 'start', ordering: 'key', leaseMs: 300, maxAttempts: 1 })
    await waitFor(() => isSettled(storage))
    const letters = new DeadLetters({ storage })
    const [letter] = await letters.list({ limit: 10 })
    isFailing = false
    await letters.requeue(letter?.id ?? '', { by: 'an operator' })
    expect(await isSettled(storage)).toBe(false)
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual(['first 1', 'first 2', 'second 2, attempt 1', 'second 1, attempt 1'])
    expect(await letters.count({})).toBe(0)
    await storage.log.trim({ maxLength: 0 }, { force: true })
    await expect(letters.requeue(letter?.id ?? '', { by: 'an operator' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a dead letter whose entry has left the log stays where it is', async () => {
    const storage = await logs.open()
    await append(storage, signal('AAPL', 1))
    await member(
      storage,
      () => {
        throw new Error('never')
      },
      { maxAttempts: 1 }
    )
    await waitFor(() => isSettled(storage))
    await storage.log.trim({ maxLength: 0 }, { force: true })
    const letters = new DeadLetters({ storage })
    const [letter] = await letters.list({ limit: 10 })
    await expect(letters.requeue(letter?.id ?? '', { by: 'an operator' })).rejects.toMatchObject({
      code: 'entry_trimmed'
    })
    expect(await letters.count({})).toBe(1)
  })

  test('a member that shares event by event is refused while others share by key', async () => {
    const storage = await logs.open()
    await member(storage, () => {})
    const subscriber = new EventSubscriber({ storage })
    subscriber.registerHandler('*', () => {})
    const starting = subscriber.startConsuming({ group: 'g' })
    await expect(starting).rejects.toMatchObject({ code: 'group_conflict' })
    await expect(member(storage, () => {}, { partitions: 3 })).rejects.toMatchObject({ code: 'group_conflict' })
  })
})
