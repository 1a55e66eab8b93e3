import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { createEvent, EventSystemError, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { EventPuller } from '../../src/consume/index.ts'
import { Documents, type Storage } from '../../src/log/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { DeadLetterOffice, GroupOffice } from '../../src/operate/index.ts'
import { type ConsumedMessage, diagnostics } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals, withFaults } from '../support/events.ts'

const ANA = { principal: 'ana' }
const DESK = { group: 'desk', from: 'start', ...ANA } as const
const idsOf = (pulled: readonly { deliveryId: string }[]) => pulled.map(({ deliveryId }) => deliveryId)
const contentOf = (id: string) => JSON.parse(Buffer.from(id.split('.')[0] ?? '', 'base64url').toString())

/** What handlers and pullers of this log are done with, from here on. */
function consumedOf(storage: Storage): ConsumedMessage[] {
  const seen: ConsumedMessage[] = []
  const listen = (message: unknown) => {
    if ((message as ConsumedMessage).storage === storage) seen.push(message as ConsumedMessage)
  }
  diagnostics.consumed.subscribe(listen)
  onTestFinished(() => void diagnostics.consumed.unsubscribe(listen))
  return seen
}

describeOnEachLog('a delivery id', (logs) => {
  const puller = async () => new EventPuller({ storage: await logs.open() })

  test('settles in any process, in the name of the principal that pulled, and in no other name', async () => {
    const storage = await logs.open()
    await append(storage, ...signals(3))
    const pulled = await (await puller()).pull(DESK)
    const elsewhere = await puller()
    const refused = ['bob', '', 'an', 'ana ', 'ANA'].flatMap((principal) => [
      elsewhere.acknowledge('desk', idsOf(pulled), { principal }),
      elsewhere.extend('desk', idsOf(pulled), { principal }),
      elsewhere.nack('desk', idsOf(pulled), { principal, reason: 'no', reject: true })
    ])
    for (const result of await Promise.allSettled(refused)) {
      const reason = { code: 'forbidden', message: expect.stringMatching(/was not given to you/) }
      expect(result).toMatchObject({ status: 'rejected', reason })
    }
    expect((await storage.queue('desk').info()).pending).toBe(3)
    const [first = '', second = '', third = ''] = idsOf(pulled)
    expect(await elsewhere.acknowledge('desk', [first], ANA)).toEqual([])
    expect(await elsewhere.extend('desk', [second], ANA)).toEqual([])
    expect(await elsewhere.nack('desk', [third], ANA)).toEqual({ dead: [], lost: [] })
  })

  test('one that is not the caller’s keeps the others of the call from being settled', async () => {
    const storage = await logs.open()
    await append(storage, ...signals(2))
    const desk = await puller()
    const own = await desk.pull({ ...DESK, max: 1 })
    const other = await desk.pull({ ...DESK, max: 1, principal: 'bob' })
    await expect(desk.acknowledge('desk', idsOf([...own, ...other]), ANA)).rejects.toMatchObject({ code: 'forbidden' })
    expect((await storage.queue('desk').info()).pending).toBe(2)
  })

  test('names the group, the consumer, the entry, the attempt and the time, and no type, limit or principal', async () => {
    const storage = await logs.open()
    const [messageId] = await append(storage, signal())
    const [pulled] = await (await puller()).pull({ ...DESK, consumer: 'one', maxAttempts: 3 })
    const at = expect.closeTo(Date.now(), -5)
    expect(contentOf(pulled?.deliveryId ?? '')).toEqual(['desk', 'one', messageId, 1, at])
  })

  test('is signed with one key, whichever of many processes makes it first', async () => {
    const storage = await logs.open()
    await append(storage, ...signals(8))
    const pullers = await Promise.all(Array.from({ length: 4 }, puller))
    const pulled = await Promise.all(pullers.map((one) => one.pull({ ...DESK, max: 2 })))
    for (const [i, one] of pullers.entries()) {
      expect(await one.acknowledge('desk', idsOf(pulled[(i + 1) % 4] ?? []), ANA)).toEqual([])
    }
    expect((await storage.queue('desk').info()).pending).toBe(0)
  })

  test('outlives one rotation of its key, and not two', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    await append(storage, ...signals(4))
    const [here, elsewhere] = [await puller(), await puller()]
    const before = idsOf(await here.pull({ ...DESK, max: 2 }))
    await office.rotateDeliveryKey()
    const after = idsOf(await elsewhere.pull({ ...DESK, max: 2 }))
    // This process has not seen the new key yet.
    expect(await here.acknowledge('desk', after.slice(0, 1), ANA)).toEqual([])
    expect(await elsewhere.acknowledge('desk', before.slice(0, 1), ANA)).toEqual([])
    await office.rotateDeliveryKey()
    const refused = await waitFor(() =>
      here.extend('desk', before.slice(1), ANA).then(
        () => false as const,
        (error: EventSystemError) => error
      )
    )
    expect(refused).toMatchObject({ code: 'forbidden', message: expect.stringMatching(/rotated out: pull again/) })
    expect(await here.acknowledge('desk', after.slice(1), ANA)).toEqual([])
  })

  test('many that are forged ask the log for its key ten times a second at most, and genuine ones not at all', async () => {
    const storage = await logs.open()
    let reads = 0
    const collections = new Proxy(storage.collections, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (name === 'get' && args[0] === 'delivery-keys') reads++
          return value.apply(target, args)
        }
      }
    })
    const desk = new EventPuller({ storage: withFaults(storage, { collections }) })
    await append(storage, ...signals(2))
    const [one = '', two = ''] = idsOf(await desk.pull(DESK))
    const [content] = one.split('.')
    const [begun, readsBefore] = [performance.now(), reads]
    for (let i = 0; i < 20; i++) {
      const forged = Array.from({ length: 50 }, () => `${content}.${randomBytes(32).toString('base64url')}`)
      const results = await Promise.allSettled(forged.map((id) => desk.acknowledge('desk', [id], ANA)))
      expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    }
    const seconds = (performance.now() - begun) / 1_000
    expect(reads - readsBefore).toBeLessThanOrEqual(10 * seconds + 2)
    const readsOfForged = reads
    expect(await desk.extend('desk', [one, two], ANA)).toEqual([])
    expect(reads).toBe(readsOfForged)
  })

  test('is not read where the record of its key is of another version', async () => {
    const storage = await logs.open()
    await append(storage, signal())
    await new Documents(storage).put('delivery-keys', 'signing', '{"version":9}')
    await expect((await puller()).pull(DESK)).rejects.toMatchObject({ code: 'log_incompatible' })
    expect(await storage.queue('desk').pending({ limit: 10 })).toMatchObject([{ consumer: '' }])
  })
})

describeOnEachLog('settling', (logs) => {
  const mixed = () => [signal(), createEvent(EventType.SYSTEM_HEALTH, {})]
  const onlySignals = (eventType: string | null) => {
    if (eventType !== 'trading_signal') throw new EventSystemError('forbidden', `No ${eventType}.`)
  }

  test.each(['here', 'in another process'])(
    '%s, asks for each type whether the caller may, and else does nothing',
    async (where) => {
      const storage = await logs.open()
      const desk = new EventPuller({ storage })
      await append(storage, ...mixed())
      const ids = idsOf(await desk.pull(DESK))
      const settling = where === 'here' ? desk : new EventPuller({ storage: await logs.open() })
      const options = { ...ANA, permit: onlySignals }
      for (const settle of [
        () => settling.acknowledge('desk', ids, options),
        () => settling.extend('desk', ids, options),
        () => settling.nack('desk', ids, options),
        () => settling.nack('desk', ids, { ...options, reason: 'no', reject: true })
      ]) {
        await expect(settle()).rejects.toMatchObject({ code: 'forbidden', message: 'No system_health.' })
      }
      expect(await desk.pull({ ...DESK, leaseMs: 60_000 })).toEqual([])
      expect(await new DeadLetterOffice({ storage }).count()).toBe(0)
      expect(await settling.acknowledge('desk', ids.slice(0, 1), options)).toEqual([])
      expect((await storage.queue('desk').info()).pending).toBe(1)
    }
  )

  test('in another process, counts under the type that the log says', async () => {
    const storage = await logs.open()
    const pulling = await logs.open()
    await append(storage, ...mixed(), ...mixed())
    const ids = idsOf(await new EventPuller({ storage: pulling }).pull(DESK))
    const consumed = consumedOf(storage)
    const settling = new EventPuller({ storage })
    await settling.acknowledge('desk', ids.slice(0, 2), ANA)
    await settling.nack('desk', ids.slice(2), { ...ANA, reason: 'no', reject: true })
    expect(consumed.map(({ eventType, error }) => [eventType, error !== undefined])).toEqual([
      ['trading_signal', false],
      ['system_health', false],
      ['trading_signal', true],
      ['system_health', true]
    ])
    const letters = await new DeadLetterOffice({ storage }).list()
    expect(letters.map(({ eventType }) => eventType).sort()).toEqual(['system_health', 'trading_signal'])
  })
})

test('of 100,000 delivery ids that are made up, none settles anything', { timeout: 120_000 }, async () => {
  const storage = new SqliteStorage({ path: join(await newFolder(), 'events.db') })
  onTestFinished(() => storage.close())
  await storage.start()
  const desk = new EventPuller({ storage })
  await append(storage, ...signals(50))
  const genuine = idsOf(await desk.pull({ ...DESK, max: 25 }))
  const foreign = idsOf(await desk.pull({ ...DESK, max: 25, principal: 'bob', consumer: 'bobs' }))
  const accepted: string[] = []
  for (let i = 0; i < 10; i++) {
    const made = Array.from({ length: 10_000 }, () => madeUp(genuine, foreign))
    const results = await Promise.allSettled(made.map((id) => desk.acknowledge('desk', [id], ANA)))
    for (const [at, result] of results.entries()) {
      const isRefused = result.status === 'rejected' && ['invalid_argument', 'forbidden'].includes(result.reason.code)
      if (!isRefused) accepted.push(made[at] ?? '')
    }
  }
  expect(accepted).toEqual([])
  expect((await storage.queue('desk').info()).pending).toBe(50)
  expect(await desk.acknowledge('desk', genuine, ANA)).toEqual([])
})

/** A text that looks like an id: a genuine one that was changed, one of another principal, or parts put together. */
function madeUp(genuine: readonly string[], foreign: readonly string[]): string {
  const own = one(genuine)
  const made = one([
    () => flipped(own),
    () => own.slice(0, randomInt(own.length)),
    () => `${own}${one(['=', '.', 'A', ' ', '\n', '\0'])}`,
    () => one(['=', '.', 'A', ' ', '\ufeff']) + own,
    () => one(foreign),
    () => flipped(one(foreign)),
    () => `${one(foreign).split('.')[0]}.${own.split('.')[1]}`,
    () => `${own.split('.')[0]}.${one(foreign).split('.')[1]}`,
    () => withTag(own, randomBytes(one([0, 1, 16, 31, 32, 33, 64])).toString('base64url')),
    () => withTag(own, (own.split('.')[1] ?? '').toUpperCase().toLowerCase()),
    () =>
      rewritten(own, ([group, consumer, id, attempt, at]) => [
        group,
        consumer,
        id,
        Number(attempt) + randomInt(1, 9),
        at
      ]),
    () => rewritten(own, ([group, , id, attempt, at]) => [group, one(['bobs', '', 'puller ']), id, attempt, at]),
    () =>
      rewritten(own, ([group, consumer, id, attempt, at]) => [
        group,
        consumer,
        id,
        attempt,
        Number(at) + randomInt(1, 9)
      ]),
    () => rewritten(own, (parts) => [...parts, 'ana']),
    () =>
      rewritten(own, ([group, consumer, id, attempt, at]) => [group, consumer, id, attempt, at, 'trading_signal', 5]),
    () => rewritten(own, (parts) => parts, 1),
    () => randomBytes(randomInt(1, 200)).toString(one(['base64url', 'base64', 'hex', 'latin1']))
  ])()
  return genuine.includes(made) ? `${made}x` : made
}

function one<T>(choices: readonly T[]): T {
  return choices[randomInt(choices.length)] as T
}

function flipped(id: string): string {
  const at = randomInt(id.length)
  return id.slice(0, at) + one([...'abzAZ09-_.+/= \u00e9']) + id.slice(at + 1)
}

function withTag(id: string, tag: string): string {
  return `${id.split('.')[0]}.${tag}`
}

/** The content said otherwise, or the same content with blanks in its JSON, under the tag that it had. */
function rewritten(id: string, change: (parts: unknown[]) => unknown[], blanks?: number): string {
  const text = JSON.stringify(change(contentOf(id)), null, blanks)
  return `${Buffer.from(text).toString('base64url')}.${id.split('.')[1]}`
}
