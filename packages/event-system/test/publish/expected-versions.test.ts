import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSystemError } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventSystem } from '../../src/event-system.ts'
import type { Log, Storage } from '../../src/log/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal, signals, withFaults } from '../support/events.ts'

const CONFLICT = { code: 'version_conflict', streamKey: 'account-7' }
const lost = () => new EventSystemError('log_timeout', 'No answer came.')

/** How many entries each append has. */
function counting(storage: Storage): { storage: Storage; sizes: number[] } {
  const sizes: number[] = []
  const append: Log['append'] = (entries, options) => {
    sizes.push(entries.length)
    return storage.log.append(entries, options)
  }
  return { storage: withFaults(storage, { append }), sizes }
}

describeOnEachLog('publishing only if nothing has changed', (logs) => {
  test('the receipt has the version to expect next; who expects another is refused, and nothing is written', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const first = await publisher.publish(signal(), { streamKey: 'account-7', expectedVersion: 0 })
    const batch = await publisher.publishAll(signals(2), { streamKey: 'account-7', expectedVersion: 1 })
    const counted = await publisher.transaction((tx) => tx.publish(signal()), { streamKey: 'account-7' })
    expect([first, ...batch, ...counted].map(({ version }) => version)).toEqual([1, 2, 3, 4])
    expect(await publisher.publish(signal())).not.toHaveProperty('version')
    for (const refused of [
      publisher.publish(signal(), { streamKey: 'account-7', expectedVersion: 3 }),
      publisher.publishBatch(signals(3), { streamKey: 'account-7', expectedVersion: 3 }),
      publisher.transaction((tx) => tx.publish(signal()), { streamKey: 'account-7', expectedVersion: 3 })
    ]) {
      await expect(refused).rejects.toMatchObject({ ...CONFLICT, expectedVersion: 3, actualVersion: 4 })
    }
    expect((await storage.log.info()).length).toBe(5)
  })

  test('among publishes of the same moment it is an append of its own, whose conflict fails no other, and the order stays', async () => {
    const { storage, sizes } = counting(await logs.open())
    const publisher = new EventPublisher({ storage })
    const own = [signals(50), signals(50)] as const
    const outcomes = await Promise.allSettled([
      ...own[0].map((event) => publisher.publish(event)),
      publisher.publish(signal('won'), { streamKey: 'account-7', expectedVersion: 0 }),
      publisher.publish(signal('lost'), { streamKey: 'account-7', expectedVersion: 0 }),
      ...own[1].map((event) => publisher.publish(event, { streamKey: 'order-17' }))
    ])
    const rejected = outcomes.filter(({ status }) => status === 'rejected')
    expect(rejected).toEqual([{ status: 'rejected', reason: expect.objectContaining(CONFLICT) }])
    expect(sizes).toEqual([50, 1, 1, 50])
    const symbols = (await storage.log.read({ limit: 200 })).entries.map(
      ({ payload }) => JSON.parse(payload ?? '').data.symbol
    )
    expect(symbols).toEqual([...own[0].map(() => 'AAPL'), 'won', ...own[1].map(() => 'AAPL')])
    expect(await storage.log.versionOf('order-17')).toBe(50)
  })

  test('what is no key or no version is refused with invalid_argument, and fails no other publish', async () => {
    const { storage, sizes } = counting(await logs.open())
    const publisher = new EventPublisher({ storage })
    const good = publisher.publish(signal(), { streamKey: 'account-7' })
    for (const wrong of [
      { streamKey: '' },
      { streamKey: 'a\n' },
      { streamKey: 'account-7', expectedVersion: -1 },
      { streamKey: 'account-7', expectedVersion: 0.5 },
      { expectedVersion: 0 }
    ]) {
      await expect(publisher.publish(signal(), wrong)).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(publisher.publishAll(signals(2), wrong)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(await good).toMatchObject({ version: 1 })
    expect(sizes).toEqual([1])
  })

  test('one whose answer was lost is repeated, and is no conflict though another came since', async () => {
    const storage = await logs.open()
    let calls = 0
    const losing = withFaults(storage, {
      async append(entries, options) {
        const results = await storage.log.append(entries, options)
        calls += 1
        if (calls > 1) return results
        await new EventPublisher({ storage }).publish(signal(), { streamKey: 'account-7' })
        throw lost()
      }
    })
    const receipt = await new EventPublisher({ storage: losing }).publish(signal(), {
      streamKey: 'account-7',
      expectedVersion: 0
    })
    expect(receipt).toMatchObject({ status: 'published', duplicate: true, version: 1 })
    expect(calls).toBe(2)
    expect(await storage.log.versionOf('account-7')).toBe(2)
  })

  test('one that was not written when its answer was lost, and finds another version then, is told the conflict', async () => {
    const storage = await logs.open()
    let calls = 0
    const losing = withFaults(storage, {
      async append(entries, options) {
        calls += 1
        if (calls > 1) return storage.log.append(entries, options)
        await new EventPublisher({ storage }).publish(signal(), { streamKey: 'account-7' })
        throw lost()
      }
    })
    const publishing = new EventPublisher({ storage: losing }).publish(signal(), {
      streamKey: 'account-7',
      expectedVersion: 0
    })
    await expect(publishing).rejects.toMatchObject({ ...CONFLICT, expectedVersion: 0, actualVersion: 1 })
    expect((await storage.log.info()).length).toBe(1)
  })

  test('many conflicts do not count as a log that fails', async () => {
    const publisher = new EventPublisher({ storage: await logs.open() })
    await publisher.publish(signal(), { streamKey: 'account-7' })
    for (let i = 0; i < 20; i++) {
      const refused = publisher.publish(signal(), { streamKey: 'account-7', expectedVersion: 0 })
      await expect(refused).rejects.toMatchObject(CONFLICT)
    }
    expect((await publisher.state()).isLogTaking).toBe(true)
    expect(await publisher.publish(signal(), { streamKey: 'account-7', expectedVersion: 1 })).toMatchObject({
      version: 2
    })
  })

  test('none goes into the spool, which can promise no version: it is refused while the log is away', async () => {
    const storage = await logs.open()
    const folder = await mkdtemp(join(tmpdir(), 'tradpal-expected-'))
    const away = withFaults(storage, {
      append: () => Promise.reject(new EventSystemError('log_unavailable', 'The log is away.'))
    })
    const spool = { store: new SqliteStorage({ path: join(folder, 'spool.db') }), maxBytes: 1_000_000 }
    const publisher = new EventPublisher({ storage: away, timeoutMs: 300, spool })
    await publisher.start()
    onTestFinished(async () => {
      await publisher.close()
      await rm(folder, { recursive: true, force: true })
    })
    const [plain, ...refused] = await Promise.allSettled([
      publisher.publish(signal()),
      publisher.publish(signal(), { streamKey: 'account-7', expectedVersion: 0 }),
      publisher.publish(signal(), { streamKey: 'account-7', spool: 'allowed' })
    ])
    expect(plain).toMatchObject({ value: { status: 'spooled' } })
    expect(refused).toMatchObject([{ reason: { code: 'log_unavailable' } }, { reason: { code: 'log_unavailable' } }])
    expect((await publisher.state()).spool?.events).toBe(1)
    expect(await storage.log.versionOf('account-7')).toBe(0)
  })
})

test('the event system publishes so, and tells the version of a key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-expected-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await using system = new EventSystem({ logPath: join(folder, 'log.db') })
  await expect(system.versionOf('account-7')).rejects.toMatchObject({ code: 'not_started' })
  await system.initialize()
  expect(await system.versionOf('account-7')).toBe(0)
  await system.publishBatch(signals(3), { streamKey: 'account-7', expectedVersion: 0 })
  expect(await system.versionOf('account-7')).toBe(3)
  await expect(system.versionOf('')).rejects.toMatchObject({ code: 'invalid_argument' })
})
