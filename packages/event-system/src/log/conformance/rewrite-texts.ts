import assert from 'node:assert/strict'
import type { DeadLetter, DeadLetterAction, PendingTexts } from '../port.ts'
import { handedOut, idsOf } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { bury, letterOf, OPERATOR } from './letters.ts'

/** The same letter, each of whose texts is another. */
function anew(letter: DeadLetter): DeadLetter {
  const { firstError, lastError } = letter
  return {
    ...letter,
    payload: 'payload anew',
    note: 'note anew',
    firstError: { ...firstError, message: 'first anew' },
    lastError: { ...lastError, message: 'last anew', stack: 'stack anew', pointer: 'pointer anew' }
  }
}

/** Without the note, which is its group's alone: what its next consumer gets shows it. */
function shown({ note: _, ...letter }: DeadLetter): Omit<DeadLetter, 'note'> {
  return letter
}

function letterIds(letters: readonly DeadLetter[]): string[] {
  return letters.map(({ id }) => id)
}

/** Other texts in the place of those that a log keeps beside its entries. */
export const rewriteTextCases: readonly ConformanceCase[] = [
  {
    title: 'rewrite letters: writes payload, errors and note, and leaves ids, order and all else as they are',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 3)
      await bury(group, deliveries, letterOf(deliveries[0], { note: 'a note', raw: { field: 'value' } }))
      const before = (await log.deadLetters.list({ limit: 10 })).map(shown)
      const { id } = before[1] as DeadLetter
      const greedy = (letter: DeadLetter) => ({ ...anew(letter), group: 'another', attempts: 99 })
      assert.equal(await log.deadLetters.rewrite([id], greedy), 1)
      const after = before.with(1, shown(anew(before[1] as DeadLetter)))
      assert.deepEqual((await log.deadLetters.list({ limit: 10 })).map(shown), after)
      assert.equal(await log.deadLetters.count({ group: 'group', handler: 'handler' }), 3)
      const seen: (string | null)[] = []
      const again = (letter: DeadLetter) => {
        seen.push(letter.payload)
        return { ...letter, payload: 'once more' }
      }
      assert.equal(await log.deadLetters.rewrite([id], again), 1)
      assert.deepEqual(seen, ['payload anew'])
      assert.equal((await log.deadLetters.get(id))?.payload, 'once more')
    }
  },
  {
    title: 'rewrite letters: one that is left as it is, or is gone, is not counted',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 3)
      await bury(group, deliveries)
      const letters = await log.deadLetters.list({ limit: 10 })
      await log.deadLetters.discard(letters[0]?.id ?? '', { ...OPERATOR, reason: 'No use.' })
      const last = letters[2]?.id
      const some = (letter: DeadLetter) => (letter.id === last ? anew(letter) : letter)
      assert.equal(await log.deadLetters.rewrite(letterIds(letters), some), 1)
      const left = (await log.deadLetters.list({ limit: 10 })).map(shown)
      assert.deepEqual(
        left,
        [letters[1], anew(letters[2] as DeadLetter)].map((one) => shown(one as DeadLetter))
      )
      assert.equal(await log.deadLetters.rewrite([], anew), 0)
    }
  },
  {
    title: 'rewrite letters: of several at once none is lost, and a requeue beside them takes each as it is by then',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 20)
      const other = await harness.open()
      await bury(group, deliveries)
      const ids = letterIds(await log.deadLetters.list({ limit: 100 }))
      const longer = ({ firstError, ...letter }: DeadLetter) => {
        const message = `${firstError.message}+`
        return { ...letter, firstError: { ...firstError, message }, note: message }
      }
      const [requeued, kept] = [ids.slice(0, 10), ids.slice(10)]
      const requeues = requeued.map((id) => other.deadLetters.requeue(id, OPERATOR))
      const counts = await Promise.all([
        ...ids.map((id) => log.deadLetters.rewrite([id], longer)),
        other.deadLetters.rewrite(ids, longer),
        ...kept.map((id) => other.deadLetters.rewrite([id], longer))
      ])
      await Promise.all(requeues)
      const left = await log.deadLetters.list({ limit: 100 })
      const ofLeft = left.map(({ firstError }) => firstError.message)
      assert.deepEqual(ofLeft, Array(10).fill('The first failed.+++'))
      const actions = await log.deadLetters.actions({ limit: 100 })
      const said = new Map(actions.map(({ letter }) => [letter.messageId, letter.firstError.message]))
      const claimed = await group.claim('heir', { minIdleMs: 0, limit: 100 })
      assert.equal(claimed.length, 10)
      for (const { messageId, note } of claimed) assert.equal(note ?? 'The first failed.', said.get(messageId))
      const written = [...ofLeft, ...said.values()].join('').replaceAll(/[^+]/g, '').length
      assert.equal(
        written,
        counts.reduce((sum, count) => sum + count, 0)
      )
    }
  },
  {
    title: 'rewrite letters: what was rewritten goes back to its group when it is requeued, and into the record',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const [first, second] = (await bury(group, deliveries)) as [DeadLetter, DeadLetter]
      assert.equal(await log.deadLetters.rewrite([first.id, second.id], anew), 2)
      await log.deadLetters.requeue(first.id, OPERATOR)
      await log.deadLetters.discard(second.id, { ...OPERATOR, reason: 'No use.' })
      const [claimed] = await group.claim('heir', { minIdleMs: 0, limit: 10 })
      assert.equal(claimed?.note, 'note anew')
      const actions = await log.deadLetters.actions({ limit: 10 })
      assert.deepEqual(
        actions.map(({ letter }) => shown(letter)),
        [first, second].map((letter) => shown(anew(letter)))
      )
      assert.equal(await log.deadLetters.rewrite([first.id], anew), 0)
    }
  },
  {
    title: 'rewrite actions: writes the reason and the texts of the letter, and nothing else',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 2)
      const [first, second] = (await bury(group, deliveries)) as [DeadLetter, DeadLetter]
      await log.deadLetters.discard(first.id, { ...OPERATOR, reason: 'No use.' })
      await log.deadLetters.requeue(second.id, OPERATOR)
      const [discarded, requeued] = (await log.deadLetters.actions({ limit: 10 })) as [
        DeadLetterAction,
        DeadLetterAction
      ]
      const change = (action: DeadLetterAction) =>
        action.id === requeued.id
          ? action
          : { ...action, by: 'somebody else', reason: 'reason anew', letter: anew(action.letter) }
      assert.equal(await log.deadLetters.rewriteActions([discarded.id, requeued.id], change), 1)
      const [changed, same] = await log.deadLetters.actions({ limit: 10 })
      const letter = anew(discarded.letter)
      assert.deepEqual(
        { ...changed, letter: shown(changed?.letter as DeadLetter) },
        { ...discarded, reason: 'reason anew', letter: shown(letter) }
      )
      assert.deepEqual(same, requeued)
    }
  },
  {
    title: 'rewrite pending: writes notes and amended payloads where there are any; nobody loses a hold',
    async run(harness) {
      const { log, group, ids, deliveries } = await handedOut(await harness.open(), 4)
      const [amended = '', noted = '', plain = ''] = ids
      const [letter] = await bury(group, deliveries.slice(0, 1))
      await log.deadLetters.requeue(letter?.id ?? '', { ...OPERATOR, payload: 'amended' })
      const retry = { kind: 'retry', note: 'a note' } as const
      await group.settle(
        'consumer',
        [1, 3].flatMap((i) => deliveries.slice(i, i + 1)).map((one) => ({ ...one, outcome: retry }))
      )
      await group.acknowledge('consumer', deliveries.slice(3))
      const change = (texts: PendingTexts) => ({
        ...texts,
        ...(texts.note !== undefined && { note: `${texts.note} anew` }),
        ...(texts.amended !== undefined && { amended: `${texts.amended} anew` })
      })
      assert.equal(await group.rewrite(ids, change), 2)
      assert.equal(await group.rewrite(ids, (texts) => texts), 0)
      const kept = (await group.pending({ limit: 10 })).map(({ idleMs: _, appendedAt: __, ...one }) => one)
      assert.deepEqual(kept, [
        { messageId: amended, consumer: '', deliveries: 0, amended: 'amended anew' },
        { messageId: noted, consumer: 'consumer', deliveries: 1, note: 'a note anew' },
        { messageId: plain, consumer: 'consumer', deliveries: 1 }
      ])
      assert.deepEqual(await group.acknowledge('consumer', deliveries.slice(1, 3)), [])
      const [claimed] = await group.claim('heir', { minIdleMs: 0, limit: 10 })
      assert.equal(claimed?.payload, 'amended anew')
    }
  },
  {
    title: 'rewrite pending: a note that a consumer leaves meanwhile is not lost',
    async run(harness) {
      const { log, group, ids, deliveries } = await handedOut(await harness.open(), 20)
      const other = (await harness.open()).group('group')
      const noted = (note: string) => deliveries.map((one) => ({ ...one, outcome: { kind: 'retry', note } as const }))
      await group.settle('consumer', noted('before'))
      const mark = (texts: PendingTexts) => ({ ...texts, note: `${texts.note}+` })
      await Promise.all([
        other.rewrite(ids, mark),
        group.settle('consumer', noted('meanwhile')),
        log.group('group').rewrite(ids, mark),
        other.rewrite(ids, mark)
      ])
      const notes = (await group.pending({ limit: 100 })).map(({ note }) => note)
      assert.equal(notes.length, idsOf(deliveries).length)
      for (const note of notes) assert.match(note ?? '', /^meanwhile\+*$/)
    }
  },
  {
    title: 'rewrite letters, actions, pending: at most 1,000 in a call, and not_found without the group',
    async run(harness) {
      const { log, group, ids } = await handedOut(await harness.open(), 1)
      const many = Array<string>(1_001).fill(ids[0] ?? '')
      await rejectsWith(async () => log.deadLetters.rewrite(Array(1_001).fill('1-1'), anew), 'invalid_argument')
      await rejectsWith(
        async () => log.deadLetters.rewriteActions(Array(1_001).fill('1-1'), (action) => action),
        'invalid_argument'
      )
      await rejectsWith(async () => group.rewrite(many, (texts) => texts), 'invalid_argument')
      await rejectsWith(async () => log.group('nobody').rewrite(ids, (texts) => texts), 'not_found')
    }
  }
]
