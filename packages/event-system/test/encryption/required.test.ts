import type { Event } from '@tradpal/events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { diagnostics, EventSystem } from '../../src/index.ts'
import type { Delivery } from '../../src/log/index.ts'
import type { SkippedMessage } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog, type LogUnderTest } from '../support/each-log.ts'
import { append, signal, timesOf } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { prices, systemOver } from './systems.ts'

const NOT_ENCRYPTED = expect.stringMatching(/is not encrypted.*\(not_encrypted\)$/)

/** Which entries a query, a replay or a stream passes over from here on, each once. */
function recordSkipped(): Map<string, string> {
  const skipped = new Map<string, string>()
  const onSkipped = (message: unknown) => {
    const { messageId, reason } = message as SkippedMessage
    skipped.set(messageId, reason)
  }
  diagnostics.skipped.subscribe(onSkipped)
  onTestFinished(() => void diagnostics.skipped.unsubscribe(onSkipped))
  return skipped
}

describeOnEachLog('a plain event', (under) => {
  /** A log with an encrypted event, a plain one past the publisher, and another encrypted one. */
  async function mixed(under: LogUnderTest) {
    const keys = keysFile('a')
    const publisher = await systemOver(under, { encryption: { keysFile: keys } })
    await publisher.publishEvent(signal('AAPL', 1))
    const [plainId = ''] = await append(await under.open(), signal('AAPL', 2))
    await publisher.publishEvent(signal('AAPL', 3))
    return { keys, publisher, plainId }
  }

  it('is read as any other where encryption is not required', async () => {
    const { publisher } = await mixed(under)
    expect(prices(await publisher.getEvents())).toEqual([1, 2, 3])
  })

  it('is passed over by queries, replays and streams where encryption is required, and counted', async () => {
    const { keys, plainId } = await mixed(under)
    const system = await systemOver(under, { encryption: { keysFile: keys, required: true } })
    const skipped = recordSkipped()
    expect(prices(await system.getEvents())).toEqual([1, 3])
    expect([...skipped]).toEqual([[plainId, expect.stringMatching(/is not encrypted.*EVENT_REQUIRE_ENCRYPTION/)]])
    expect(await system.store.getEvent(plainId)).toBeUndefined()
    const replayed: Event[] = []
    expect(await system.replayEvents({}, (event) => void replayed.push(event))).toBe(2)
    expect(prices(replayed)).toEqual([1, 3])
    const followed: Event[] = []
    for await (const { events } of system.store.follow('start')) {
      followed.push(...events)
      if (followed.length >= 2) break
    }
    expect(prices(followed)).toEqual([1, 3])
  })

  for (const ordering of ['none', 'key'] as const) {
    it(`is a dead letter of each group, and seen by no handler (ordering: ${ordering})`, async () => {
      const { keys, plainId } = await mixed(under)
      const handled: unknown[] = []
      for (const group of ['one', 'two']) {
        const system = await systemOver(under, { encryption: { keysFile: keys, required: true } })
        system.registerHandler('trading_signal', ({ data }) => void handled.push(data.price))
        await system.startConsuming({ group, from: 'start', ordering })
        await waitFor(async () => (await system.groups.get(group)).pending === 0 && handled.length >= 2)
        await waitFor(async () => (await system.deadLetters.count({ group })) === 1)
        const [letter] = await system.deadLetters.list({ group })
        expect(letter).toMatchObject({ messageId: plainId, kind: 'poison', lastError: { message: NOT_ENCRYPTED } })
        expect(handled.splice(0).toSorted()).toEqual([1, 3])
      }
    })
  }

  it('is a dead letter of a group that pulls, too', async () => {
    const { keys, plainId } = await mixed(under)
    const system = await systemOver(under, { encryption: { keysFile: keys, required: true } })
    const pulled = await system.puller.pull({ group: 'desk', from: 'start' })
    expect(prices(pulled.map(({ event }) => event))).toEqual([1, 3])
    expect(await system.deadLetters.list({ group: 'desk' })).toMatchObject([
      { messageId: plainId, kind: 'poison', lastError: { message: NOT_ENCRYPTED } }
    ])
  })

  it('comes back as a dead letter when it is put back, and takes no other data', async () => {
    const { keys } = await mixed(under)
    const system = await systemOver(under, { encryption: { keysFile: keys, required: true } })
    await system.puller.pull({ group: 'desk', from: 'start' })
    const idOfLetter = async () => (await system.deadLetters.list({ group: 'desk' }))[0]?.id ?? ''
    const first = await idOfLetter()
    await expect(system.deadLetters.requeue(first, { by: 'me', data: { symbol: 'X', signal: 'BUY' } })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_event' })
    )
    await system.deadLetters.requeue(first, { by: 'me' })
    expect(await system.puller.pull({ group: 'desk' })).toEqual([])
    await system.deadLetters.discard(await idOfLetter(), { by: 'me', reason: 'Nobody knows who wrote it.' })
    expect(await system.deadLetters.count()).toBe(0)
  })

  it('is counted by rekey, which names the last of them', async () => {
    const { publisher, plainId } = await mixed(under)
    const { storage } = publisher
    const [newestAt] = await timesOf(storage, [plainId])
    expect((await publisher.rekey({ dryRun: true })).plain).toEqual({ entries: 1, newestId: plainId, newestAt })
  })
})

describeOnEachLog('a plain text beside an encrypted event', (under) => {
  async function encrypted() {
    const options = { encryption: { keysFile: keysFile('a'), required: true } }
    const system = await systemOver(under, options)
    await system.publishEvent(signal('AAPL', 1))
    return { system, raw: await under.open() }
  }

  it('does not say that a handler is done', async () => {
    const { system, raw } = await encrypted()
    const group = raw.queue('g')
    await group.create('start')
    const [delivery] = (await group.read('neighbour', { limit: 1, waitMs: 0 })) as [Delivery]
    const progress = JSON.stringify({ handlers: { order: { state: 'done', failures: 0 } } })
    const { messageId, attempt } = delivery
    const attach = { group: 'g', messageId, text: JSON.stringify({ progress }), if: { consumer: 'neighbour', attempt } }
    expect(await raw.commit([{ attach: [attach] }])).toMatchObject([{ kind: 'committed' }])
    const handled: unknown[] = []
    system.registerHandler('trading_signal', ({ data }) => void handled.push(data.price), { name: 'order' })
    await system.startConsuming({ group: 'g', from: 'start', claimAfterMs: 1_000 })
    await waitFor(() => handled.length === 1)
    expect(handled).toEqual([1])
  })

  it('is not what a step returned', async () => {
    const { system, raw } = await encrypted()
    const [event] = await system.getEvents()
    await raw.queue('g').create('start')
    const collection = { name: 'ledger:g', keepMs: 86_400_000 }
    const id = `${event?.eventId} once:order:price`
    await raw.commit([{ write: [{ collection, id, value: '{"result":666}' }] }])
    const returned: unknown[] = []
    system.registerHandler(
      'trading_signal',
      async (_, context) => void returned.push(await context.once('price', () => 1)),
      { name: 'order', maxAttempts: 1 }
    )
    await system.startConsuming({ group: 'g', from: 'start' })
    await waitFor(async () => (await system.deadLetters.count()) === 1)
    expect(returned).toEqual([])
    expect(await system.deadLetters.list()).toMatchObject([
      { lastError: { message: expect.stringMatching(/is not encrypted/) } }
    ])
  })
})

describe('encryption that is required', () => {
  it('needs keys', () => {
    const attempt = () => new EventSystem({ environment: { EVENT_REQUIRE_ENCRYPTION: 'true' } })
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'invalid_options',
        message: expect.stringMatching(/EVENT_REQUIRE_ENCRYPTION needs.*EVENT_ENCRYPTION_KEYS_FILE/)
      })
    )
  })

  it('is true or false', () => {
    const environment = { EVENT_REQUIRE_ENCRYPTION: 'yes', EVENT_ENCRYPTION_KEYS_FILE: keysFile('a') }
    expect(() => new EventSystem({ environment })).toThrow(/EVENT_REQUIRE_ENCRYPTION must be false or true, got "yes"/)
  })
})
