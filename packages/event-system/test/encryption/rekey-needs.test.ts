import { expect, it } from 'vitest'
import { parseAttachment } from '../../src/codec/index.ts'
import { createEvent, Documents, type EventSystem } from '../../src/index.ts'
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

  /** A dead letter, one that was put back with other data, one that was discarded, and two events that wait for a retry. */
  async function leaveTexts(keyId: string): Promise<void> {
    const old = await system(keyId)
    const [, amended, discarded] = await bury(old, 3)
    await old.deadLetters.requeue(amended ?? '', { by: 'op', data: { symbol: 'AAPL', signal: 'SELL' } })
    await old.deadLetters.discard(discarded ?? '', { by: 'op', reason: 'no use' })
    const later = { backoff: { initialMs: 60_000, maxMs: 60_000 } }
    const other = await system(keyId)
    other.registerHandler('risk_alert', () => Promise.reject(new Error('later')), later)
    await other.startConsuming({ group: 'waiting', from: 'new' })
    await old.publishBatch([1, 2].map(() => createEvent('risk_alert', { message: 'AAPL' })))
    await waitFor(async () => (await old.groups.get('waiting')).retrying === 2)
  }

  it('is needed by no dead letter, record or pending event any more, when those are encrypted anew', async () => {
    await leaveTexts('old')
    const rotated = await system('new', 'old')
    const done = { resealed: 6, needed: [{ keyId: 'old', deadLetters: 0, pending: 0, actions: 0 }] }
    expect(await rotated.rekey({ dryRun: true })).toMatchObject(done)
    expect((await rotated.deadLetters.list()).map(({ id }) => id)).toHaveLength(1)
    expect(await rotated.rekey()).toMatchObject(done)
    expect(await rotated.rekey()).toMatchObject({ ...done, resealed: 0 })

    const fresh = await system('new')
    const [letter] = await fresh.deadLetters.list()
    expect(letter).toMatchObject({ lastError: { message: 'no' }, payload: expect.stringContaining(',key=new,') })
    const actions = await fresh.deadLetters.actions()
    expect(actions.map(({ action, reason, letter }) => [action, reason, letter.lastError.message])).toEqual([
      ['requeue', undefined, 'no'],
      ['discard', 'no use', 'no']
    ])
    const raw = await under.open()
    const pending = [
      ...(await raw.queue('g').pending({ limit: 9 })),
      ...(await raw.queue('waiting').pending({ limit: 9 }))
    ]
    const texts = pending.flatMap(({ attachment = '{}' }) => {
      const { progress, payload } = parseAttachment(attachment)
      return [progress, payload].filter((text) => text !== undefined)
    })
    expect(texts).toHaveLength(3)
    for (const text of texts) expect(text).toMatch(/,key=new,/)
    if (raw.log.rewrite !== undefined) {
      const pulled = await fresh.puller.pull({ group: 'g', consumer: 'c' })
      expect(pulled.map(({ event }) => event.data.signal)).toContain('SELL')
    }
  })

  it('is needed by dead letters, records and pending events that cannot be opened here', async () => {
    await leaveTexts('lost')
    const { resealed, needed } = await (await system('new', 'old')).rekey()
    expect(resealed).toBe(0)
    expect(needed).toContainEqual(
      expect.objectContaining({ keyId: 'lost', deadLetters: 1, pending: 3, actions: 2, ledgerUntil: null })
    )
  })

  it('stays needed by what a call that was cut short did not come to', async () => {
    await leaveTexts('old')
    const rotated = await system('new', 'old')
    const cut = await rotated.rekey({ signal: AbortSignal.abort() })
    expect(cut).toMatchObject({ isComplete: false, resealed: 0 })
    expect(cut.needed).toMatchObject([{ keyId: 'old', deadLetters: 1, pending: 3, actions: 2 }])
    expect(await rotated.rekey()).toMatchObject({ isComplete: true, resealed: 6 })
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
    const documents = await new Documents(await under.open()).all('subject-keys')
    expect(documents.map(({ value }) => /,key=(\w+),/.exec(value)?.[1])).toEqual(['new', 'new'])
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
