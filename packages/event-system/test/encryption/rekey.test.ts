import { expect, it, onTestFinished } from 'vitest'
import { EventSystem, type EventSystemOptions } from '../../src/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { signal, signals, timesOf } from '../support/events.ts'
import { systemOptionsFor } from '../support/log-place.ts'
import { keysFile } from './keys-in-file.ts'

describeOn(ALL_LOGS, 'a change of keys', (under) => {
  async function systemWith(
    path: string,
    options: Partial<EventSystemOptions['encryption']> = {}
  ): Promise<EventSystem> {
    const where = systemOptionsFor(under.place)
    const system = new EventSystem({ environment: {}, ...where, encryption: { keysFile: path, ...options } })
    await system.initialize()
    onTestFinished(async () => void (await system.close()))
    return system
  }

  const rewrites = async () => (await under.open()).log.rewrite !== undefined

  it('encrypts anew what an old key encrypted, or says what still needs it, and up to when', async () => {
    const old = await systemWith(keysFile('old'), { metadata: true })
    const ids = await old.publishBatch([{ ...signal('AAPL', 7), metadata: { desk: 'MARK' } }, ...signals(700)])
    const system = await systemWith(keysFile('new', 'old'))
    await system.publishEvent(signal())
    const before = await system.getEvents({ limit: 1_000 })
    const would = await system.rekey({ dryRun: true })
    const report = await system.rekey()
    const ledgerUntil = expect.any(Number)
    expect(report).toEqual({ ...would, needed: would.needed.map((key) => ({ ...key, ledgerUntil })) })

    const newestId = ids.at(-1) ?? ''
    const newest = { newestId, newestAt: (await timesOf(system.storage, [newestId]))[0] }
    const nothing = { deadLetters: 0, pending: 0, actions: 0, subjectKeys: 0 }
    const ofOld = (await rewrites()) ? { entries: 0, newestId: null, newestAt: null } : { entries: 701, ...newest }
    expect(report).toEqual({
      current: 'new',
      rewritten: (await rewrites()) ? 701 : 0,
      resealed: 0,
      rewrapped: 0,
      plain: { entries: 0, newestId: null, newestAt: null },
      isRewritable: await rewrites(),
      isComplete: true,
      needed: [{ keyId: 'old', ...nothing, ...ofOld, ledgerUntil }]
    })
    expect(await system.getEvents({ limit: 1_000 })).toEqual(before)
    if (!(await rewrites())) return
    const entries = (await system.storage.log.read({ limit: 1_000 })).entries
    expect(entries.map(({ payload }) => payload).join()).not.toMatch(/MARK|key=old/)
    expect(await (await systemWith(keysFile('new'))).getEvents({ limit: 1_000 })).toEqual(before)
    expect(await system.rekey()).toMatchObject({ rewritten: 0, needed: [{ keyId: 'old', entries: 0 }] })
  })

  it('goes on where a call was cut short, beside those who publish', async () => {
    await (await systemWith(keysFile('old'))).publishBatch(signals(1_200))
    const system = await systemWith(keysFile('new', 'old'))
    const ending = new AbortController()
    const publishing = system.publishBatch(signals(100))
    const cut = system.rekey({ signal: ending.signal })
    ending.abort()
    const first = await cut
    await publishing
    const second = await system.rekey()
    expect([first.isComplete, second.isComplete]).toEqual([false, true])
    expect(first.rewritten + second.rewritten).toBe((await rewrites()) ? 1_200 : 0)
    expect(first.rewritten).toBeLessThan(1_200)
    expect(await system.getEvents({ limit: 2_000 })).toHaveLength(1_300)
  })

  it('encrypts anew the dead letter of what was handed out before, and has it go back to its group as it was', async () => {
    const old = await systemWith(keysFile('old'))
    const rekeyed = Promise.withResolvers<void>()
    const fail = async () => {
      await rekeyed.promise
      throw new Error('no')
    }
    old.registerHandler('trading_signal', fail, { maxAttempts: 1 })
    const consumer = await old.startConsuming({ group: 'brokers', from: 'start' })
    await old.publishEvent(signal('AAPL', 3))
    await waitFor(async () => (await old.groups.get('brokers')).pending === 1)
    const system = await systemWith(keysFile('new', 'old'))
    await system.rekey()
    rekeyed.resolve()
    await waitFor(async () => (await old.deadLetters.count()) === 1)
    await consumer.close()

    expect(await system.rekey()).toMatchObject({ resealed: 1, needed: [{ keyId: 'old', deadLetters: 0 }] })
    const [letter] = await system.deadLetters.list()
    await system.deadLetters.requeue(letter?.id ?? '', { by: 'op' })
    expect(await system.deadLetters.actions()).toMatchObject([{ action: 'requeue', amended: false }])
    const [pulled] = await system.puller.pull({ group: 'brokers', consumer: 'c' })
    expect(pulled?.event.data.price).toBe(3)
  })
})

it('rekey refuses a system without keys', async () => {
  const folder = keysFile('a').replace('keys.json', 'log.db')
  await using system = new EventSystem({ environment: {}, logPath: folder })
  await system.initialize()
  await expect(system.rekey()).rejects.toMatchObject({ code: 'invalid_options' })
})
