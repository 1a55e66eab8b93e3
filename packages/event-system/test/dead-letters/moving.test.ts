import { expect, test } from 'vitest'
import { Attachments } from '../../src/codec/index.ts'
import type { DeadLetter, DeadLetters } from '../../src/dead-letters/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { withFaults } from '../support/events.ts'
import { ADA, bury, deadLettersOf, handedTo, idsOf, letterOf } from './letters.ts'

const ALL = { minIdleMs: 3_600_000, limit: 100 }
const WHY = { ...ADA, reason: 'A test order.' }

/** What the group gets next, with what was said of it. */
async function claimed(storage: Storage, group: string) {
  const attachments = new Attachments(group, undefined)
  return (await storage.queue(group).claim('heir', ALL)).map((delivery) => attachments.read(delivery))
}

/** All that the log has of dead letters. */
async function stateOf(storage: Storage, deadLetters: DeadLetters, group: string) {
  const pending = (await storage.queue(group).pending({ limit: 100 })).map(({ idleMs: _, ...one }) => one)
  const [letters, actions, causes] = [
    await deadLetters.list({ limit: 100 }),
    await deadLetters.actions({ limit: 100 }),
    await deadLetters.causes()
  ]
  return { pending, letters, actions, causes, count: await deadLetters.count() }
}

describeOn(ALL_LOGS, 'dead letters are moved', (logs) => {
  test('back to the group that failed, to no other, as attempt 1, with the note and the number of requeues', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const letter = await bury(storage, deadLetters, 'größe~%', { note: 'one of two is done', requeues: 2 })
    await bury(storage, deadLetters, 'other')
    await deadLetters.requeue(letter.id, ADA)
    const [delivery, ...others] = await claimed(storage, 'größe~%')
    expect(delivery).toMatchObject({
      messageId: letter.messageId,
      payload: letter.payload,
      attempt: 1,
      note: 'one of two is done',
      requeues: 3
    })
    expect(delivery).not.toHaveProperty('isAmended')
    expect(others).toEqual([])
    expect(await storage.queue('other').pending({ limit: 10 })).toEqual([])
    expect((await deadLetters.list({ limit: 10 })).map(({ group }) => group)).toEqual(['other'])
    expect((await storage.log.info()).length).toBe(1)
  })

  test('back with another payload, which the group has until it is done and the log never gets', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const letter = await bury(storage, deadLetters, 'group')
    await deadLetters.requeue(letter.id, { ...ADA, payload: 'mended' })
    const [delivery] = await claimed(storage, 'group')
    expect(delivery).toMatchObject({ payload: 'mended', isAmended: true, requeues: 1 })
    expect((await storage.log.read({ limit: 1 })).entries[0]?.payload).toBe(letter.payload)
    await storage.queue('group').acknowledge('heir', delivery === undefined ? [] : [delivery])
    await storage.queue('group').seek('start')
    const [again] = await storage.queue('group').read('heir', { limit: 1, waitMs: 0 })
    expect(again).toMatchObject({ payload: letter.payload })
    expect(again).not.toHaveProperty('attachment')
  })

  test('back once more with the payload that the group was given before', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const letter = await bury(storage, deadLetters, 'group', { amended: true, payload: 'mended before' })
    await deadLetters.requeue(letter.id, ADA)
    expect(await claimed(storage, 'group')).toMatchObject([{ payload: 'mended before', isAmended: true }])
    expect(await deadLetters.actions({ limit: 1 })).toMatchObject([{ amended: true }])
  })

  test('by one of two that requeue them at once; the other is told that there is none', async () => {
    const storage = await logs.open()
    const other = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const rival = deadLettersOf(other).deadLetters
    const letters: DeadLetter[] = []
    for (let i = 0; i < 10; i += 1) letters.push(await bury(storage, deadLetters, 'group'))
    for (const { id } of letters) {
      const outcomes = await Promise.allSettled([
        deadLetters.requeue(id, { by: 'ada' }),
        rival.requeue(id, { by: 'bob' }),
        rival.discard(id, { by: 'cy', reason: 'A test order.' })
      ])
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
      expect(failures).toMatchObject([{ code: 'not_found' }, { code: 'not_found' }])
    }
    const actions = await deadLetters.actions({ limit: 100 })
    expect(actions.map(({ letter }) => letter.id).sort()).toEqual(idsOf(letters).sort())
    const requeued = actions.filter(({ action }) => action === 'requeue').map(({ letter }) => letter.messageId)
    expect((await claimed(storage, 'group')).map(({ messageId }) => messageId).sort()).toEqual(requeued.sort())
    expect(await deadLetters.count()).toBe(0)
  })

  test('not at all when the entry has left the log, the group is gone or there is none', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const ofGone = await bury(storage, deadLetters, 'gone')
    const letter = await bury(storage, deadLetters, 'group')
    await storage.queue('gone').destroy()
    await expect(deadLetters.requeue(ofGone.id, ADA)).rejects.toMatchObject({ code: 'not_found' })
    expect(await storage.groupNames()).toEqual(['group'])
    await storage.log.trim({ maxLength: 0 }, { force: true })
    await expect(deadLetters.requeue(letter.id, ADA)).rejects.toMatchObject({ code: 'entry_trimmed' })
    await expect(deadLetters.requeue('nonsense', ADA)).rejects.toMatchObject({ code: 'not_found' })
    await expect(deadLetters.discard('nonsense', WHY)).rejects.toMatchObject({ code: 'not_found' })
    expect(await deadLetters.list({ limit: 10 })).toEqual([ofGone, letter])
    expect(await deadLetters.actions({ limit: 10 })).toEqual([])
    await deadLetters.discard(ofGone.id, WHY)
    expect(await deadLetters.list({ limit: 10 })).toEqual([letter])
  })

  test('with a record: oldest first, page behind page, each with the dead letter as it was', async () => {
    const storage = await logs.open()
    const { deadLetters, time } = deadLettersOf(storage)
    const letters: DeadLetter[] = []
    for (let i = 0; i < 3; i += 1) letters.push(await bury(storage, deadLetters, 'group', { note: `note ${i}` }))
    const [one = '', two = '', three = ''] = idsOf(letters)
    time.now += 1_000
    await deadLetters.requeue(one, { by: 'ada' })
    await deadLetters.requeue(two, { by: 'bob', payload: 'mended' })
    await deadLetters.discard(three, { by: 'cy', reason: 'A test order.' })
    const actions = await deadLetters.actions({ limit: 10 })
    expect(actions.map(({ id: _, ...rest }) => rest)).toEqual([
      { at: time.now, action: 'requeue', by: 'ada', amended: false, letter: letters[0] },
      { at: time.now, action: 'requeue', by: 'bob', amended: true, letter: letters[1] },
      { at: time.now, action: 'discard', by: 'cy', reason: 'A test order.', amended: false, letter: letters[2] }
    ])
    expect(await deadLetters.actions({ limit: 1, after: actions[0]?.id ?? '' })).toEqual(actions.slice(1, 2))
  })

  test('by one commit each: what fails before it changes nothing, and what fails after it has moved them whole', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const moves: readonly [string, (letters: DeadLetters, id: string) => Promise<void>][] = [
      ['requeue', (letters, id) => letters.requeue(id, { ...ADA, payload: 'mended' })],
      ['discard', (letters, id) => letters.discard(id, WHY)]
    ]
    for (const [action, move] of moves) {
      const { id } = await bury(storage, deadLetters, 'group')
      const before = await stateOf(storage, deadLetters, 'group')
      let commits = 0
      const failsBefore = withFaults(storage, {
        commit: async () => {
          commits += 1
          throw new Error('the process was killed')
        }
      })
      await expect(move(deadLettersOf(failsBefore).deadLetters, id)).rejects.toThrow('killed')
      expect(await stateOf(storage, deadLetters, 'group')).toEqual(before)
      const failsAfter = withFaults(storage, {
        commit: async (units) => {
          commits += 1
          expect(units).toHaveLength(1)
          await storage.commit(units)
          throw new Error('the process was killed')
        }
      })
      await expect(move(deadLettersOf(failsAfter).deadLetters, id)).rejects.toThrow('killed')
      expect(commits).toBe(2)
      const after = await stateOf(storage, deadLetters, 'group')
      expect(after.letters).toEqual([])
      expect(after.causes).toEqual([])
      expect(after.actions.find(({ letter }) => letter.id === id)).toMatchObject({ action })
      expect(after.actions).toHaveLength(before.actions.length + 1)
      expect(after.pending).toHaveLength(before.pending.length + (action === 'requeue' ? 1 : 0))
      await expect(move(deadLetters, id)).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  test('here by one unit with the acknowledgement: of two that give up the same entry, one writes its dead letter', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const delivery = await handedTo(storage, 'group')
    const letter = letterOf('group', delivery)
    const dead = await deadLetters.prepare([letter, letter])
    const hold = { group: 'group', consumer: 'consumer', messageId: delivery.messageId, attempt: 1 }
    const results = await storage.commit(dead.map(({ writes }) => ({ acknowledge: [hold], write: writes })))
    expect(results).toMatchObject([{ kind: 'committed' }, { kind: 'refused', reason: 'hold_lost' }])
    expect(await deadLetters.list({ limit: 10 })).toEqual([dead[0]?.letter])
    expect(await deadLetters.causes()).toMatchObject([{ count: 1 }])
  })
})
