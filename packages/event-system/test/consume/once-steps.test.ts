import { expect, test } from 'vitest'
import { Encryption, type TextVault } from '../../src/codec/index.ts'
import { OnceSteps } from '../../src/consume/once-steps.ts'
import { silentLogger } from '../../src/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { keysFile } from '../encryption/keys-in-file.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { withFaults } from '../support/events.ts'

const DAY_MS = 86_400_000
const EVENT = { eventId: 'event', payload: null }

function stepsOf(
  storage: Storage,
  { group = 'group', keepMs = DAY_MS, vault = undefined as TextVault | undefined } = {}
) {
  return new OnceSteps({ storage, group, keepMs, vault })
}

function vaultOf(storage: Storage, key: string): TextVault {
  const options = { metadata: false, required: false, logger: silentLogger }
  const encryption = new Encryption({ keysFile: keysFile(key), ...options })
  encryption.keepKeysIn(storage)
  return encryption.vault
}

describeOnEachLog('the steps of a handler', (logs) => {
  test('run once for an event of a group; who comes later gets what the step returned', async () => {
    const storage = await logs.open()
    const steps = stepsOf(storage)
    let runs = 0
    const run = async (by: OnceSteps, eventId: string, step: string) =>
      by.once({ eventId, payload: null }, step, () => ({ größe: ++runs }))
    expect(await run(steps, 'one', 'a')).toEqual({ größe: 1 })
    expect(await run(stepsOf(await logs.open()), 'one', 'a')).toEqual({ größe: 1 })
    expect(await run(steps, 'one', 'b')).toEqual({ größe: 2 })
    expect(await run(steps, 'two', 'a')).toEqual({ größe: 3 })
    expect(await run(stepsOf(storage, { group: 'another' }), 'one', 'a')).toEqual({ größe: 4 })
    expect(await steps.done('one', ['a', 'c', 'b'])).toEqual(new Set(['a', 'b']))
  })

  test('are begun by one of many that begin the same; the others learn that it was begun, or what it returned', async () => {
    const handles = [await logs.open(), await logs.open()]
    let runs = 0
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        stepsOf(handles[i % 2] as Storage).once(EVENT, 'step', async () => {
          runs += 1
          return 'placed'
        })
      )
    )
    expect(runs).toBe(1)
    const answers = outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code))
    expect(answers.every((answer) => answer === 'placed' || answer === 'step_interrupted')).toBe(true)
    expect(answers).toContain('placed')
  })

  test('do not run again when a crash cut them off: before they began, or before it was written how they ended', async () => {
    const storage = await logs.open()
    let runs = 0
    const place = () => {
      runs += 1
      return 'placed'
    }
    let commits = 0
    const killedAt = (number: number) =>
      withFaults(storage, {
        commit: async (units) => {
          if (++commits === number) throw new Error('the process was killed')
          return storage.commit(units)
        }
      })
    await expect(stepsOf(killedAt(1)).once(EVENT, 'first', place)).rejects.toThrow('killed')
    expect(runs).toBe(0)
    expect(await stepsOf(storage).once(EVENT, 'first', place)).toBe('placed')
    commits = 0
    await expect(stepsOf(killedAt(2)).once(EVENT, 'second', place)).rejects.toThrow('killed')
    expect(runs).toBe(2)
    await expect(stepsOf(storage).once(EVENT, 'second', place)).rejects.toMatchObject({ code: 'step_interrupted' })
    expect(runs).toBe(2)
    expect(await stepsOf(storage).done('event', ['first', 'second'])).toEqual(new Set(['first']))
  })

  test('are forgotten when they throw, and may run again', async () => {
    const storage = await logs.open()
    const steps = stepsOf(storage)
    const fails = () => Promise.reject(new Error('no answer'))
    await expect(steps.once(EVENT, 'step', fails)).rejects.toThrow('no answer')
    expect(await steps.done('event', ['step'])).toEqual(new Set())
    expect(await steps.once(EVENT, 'step', () => 'placed')).toBe('placed')
  })

  test('are remembered when the group is dropped and made again', async () => {
    const storage = await logs.open()
    await storage.queue('group').create('start')
    await stepsOf(storage).once(EVENT, 'step', () => 'placed')
    await storage.queue('group').destroy()
    await storage.queue('group').create('start')
    expect(await stepsOf(storage).once(EVENT, 'step', () => 'twice')).toBe('placed')
  })

  test('are written with a unit: the effects of a step once, however often they are given', async () => {
    const storage = await logs.open()
    const steps = stepsOf(storage)
    const write = [steps.firstWrite({ eventId: 'event', step: 'effects' })]
    const append = (name: string) => ({ entries: [{ eventId: name, eventType: 'order_executed', payload: name }] })
    const results = await storage.commit([
      { append: append('first'), write },
      { append: append('second'), write }
    ])
    expect(results).toMatchObject([{ kind: 'committed' }, { kind: 'refused', part: 'write', reason: 'conflict' }])
    expect((await storage.log.read({ limit: 10 })).entries.map(({ payload }) => payload)).toEqual(['first'])
    const again = [steps.doneWrite({ eventId: 'event', step: 'effects' })]
    expect(await storage.commit([{ write: again }])).toMatchObject([{ kind: 'committed' }])
    expect(await steps.done('event', ['effects', 'others'])).toEqual(new Set(['effects']))
  })

  test('are remembered for at least the time that they are kept, and not for ever', async () => {
    const storage = await logs.open()
    const keepMs = 400
    const steps = stepsOf(storage, { keepMs })
    const begunAt = performance.now()
    await steps.once(EVENT, 'step', () => 'placed')
    const forgotten = await waitFor(async () => {
      const isDone = (await steps.done('event', ['step'])).has('step')
      return !isDone && performance.now()
    })
    // Clocks count whole milliseconds.
    expect(forgotten - begunAt).toBeGreaterThanOrEqual(keepMs - 2)
    expect(await steps.once(EVENT, 'step', () => 'again')).toBe('again')
  })

  test('are sealed: what they returned is read with the key alone, and done they are without it as well', async () => {
    const storage = await logs.open()
    const written: string[] = []
    const watched = withFaults(storage, {
      commit: (units) => {
        written.push(...units.flatMap(({ write = [] }) => write.map(({ value }) => value ?? '')))
        return storage.commit(units)
      }
    })
    const steps = stepsOf(watched, { vault: vaultOf(storage, 'a') })
    expect(await steps.once(EVENT, 'step', () => 'order 4711')).toBe('order 4711')
    expect(written).toHaveLength(2)
    expect(written.join()).not.toContain('4711')
    expect(await stepsOf(storage, { vault: vaultOf(storage, 'a') }).once(EVENT, 'step', () => 'twice')).toBe(
      'order 4711'
    )
    const without = stepsOf(storage, { vault: vaultOf(storage, 'b') })
    await expect(without.once(EVENT, 'step', () => 'twice')).rejects.toMatchObject({ code: 'key_missing' })
    await expect(without.done('event', ['step'])).rejects.toMatchObject({ code: 'key_missing' })
  })
})
