import { expect, it } from 'vitest'
import type { EventSystem } from '../../src/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, prices, signalOf, systemOver } from './systems.ts'

const DAY_MS = 86_400_000

describeOnEachLog('an old key', (under) => {
  const system = (...ids: string[]) =>
    systemOver(under, { encryption: { keysFile: keysFile(...ids), keyFor: customerOf } })

  async function bury(old: EventSystem, count: number): Promise<string[]> {
    old.registerHandler('trading_signal', () => Promise.reject(new Error('no')), { maxAttempts: 1 })
    const consumer = await old.startConsuming({ group: 'g', from: 'start' })
    await old.publishBatch(Array.from({ length: count }, (_, i) => signal('AAPL', i)))
    await waitFor(async () => (await old.deadLetters.count()) === count)
    await consumer.close()
    return (await old.deadLetters.list()).map(({ id }) => id)
  }

  it('is needed by dead letters, by what was put back with other data, and by the record of operators', async () => {
    const old = await system('old')
    const [kept, amended, discarded] = await bury(old, 3)
    await old.deadLetters.requeue(amended ?? '', { by: 'op', data: { symbol: 'AAPL', signal: 'SELL' } })
    await old.deadLetters.discard(discarded ?? '', { by: 'op', reason: 'no use' })
    const { needed } = await (await system('new', 'old')).rekey()
    expect(kept).toBeDefined()
    expect(needed).toMatchObject([{ keyId: 'old', deadLetters: 1, pending: 1, actions: 2 }])
  })

  it('is needed by what waits for a retry', async () => {
    const old = await system('old')
    const later = { backoff: { initialMs: 60_000, maxMs: 60_000 } }
    old.registerHandler('trading_signal', () => Promise.reject(new Error('later')), later)
    await old.startConsuming({ group: 'g', from: 'start' })
    await old.publishBatch([signal(), signal()])
    await waitFor(async () => (await old.groups.get('g')).retrying === 2)
    const { needed } = await (await system('new', 'old')).rekey()
    expect(needed).toMatchObject([{ keyId: 'old', pending: 2 }])
  })

  it('is named until the ledger has forgotten what it holds, from the first call on', async () => {
    const clock = new FakeClock()
    const encryption = { keysFile: keysFile('new', 'old') }
    const rotated = await systemOver(under, { encryption, clock })
    const ledgerUntil = clock.now() + 2 * DAY_MS
    expect((await rotated.rekey({ dryRun: true })).needed).toMatchObject([{ keyId: 'old', ledgerUntil }])
    expect((await rotated.rekey()).needed).toMatchObject([{ keyId: 'old', ledgerUntil }])
    await clock.advance(DAY_MS)
    expect((await rotated.rekey()).needed).toMatchObject([{ keyId: 'old', entries: 0, ledgerUntil }])
    await clock.advance(DAY_MS)
    expect((await rotated.rekey()).needed).toEqual([])
  })

  it('is needed by no key of a customer any more, shredded or not, when those are encrypted anew', async () => {
    const old = await system('old')
    await old.publishBatch([signalOf('stays', 1), signalOf('goes', 2)])
    await old.shred('goes', { by: 'op', reason: 'They asked for it.' })
    const rotated = await system('new', 'old')
    expect(await rotated.rekey({ dryRun: true })).toMatchObject({ rewrapped: 2, rewritten: 0 })
    expect(await rotated.rekey()).toMatchObject({ rewrapped: 2, rewritten: 0 })
    expect(await rotated.rekey()).toMatchObject({ rewrapped: 0 })
    const { records } = await (await under.open()).records.list('subject-keys')
    expect(records.map(({ value }) => /1t\.(\w+)\./.exec(value)?.[1])).toEqual(['new', 'new'])
    const fresh = await system('new')
    expect(prices(await fresh.getEvents())).toEqual([1])
    await expect(fresh.publishEvent(signalOf('goes'))).rejects.toMatchObject({ code: 'shredded' })
  })

  it('is needed by keys of customers that cannot be opened here', async () => {
    await (await system('lost')).publishEvent(signalOf('one'))
    const { needed } = await (await system('new', 'old')).rekey()
    expect(needed).toContainEqual(expect.objectContaining({ keyId: 'lost', subjectKeys: 1, ledgerUntil: null }))
  })
})
