import { expect, test } from 'vitest'
import type { DeadLetter, DeadLetterFilter, NewDeadLetter } from '../../src/dead-letters/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { bury, deadLettersOf, handedTo, idsOf, letterOf } from './letters.ts'

/** Whose names could be taken for the separators and escapes of ids, or sort in another order than their bytes. */
const GROUPS = ['a', 'a~', 'a~b', 'a%7E', 'a%', '%', '~', '~~', 'größe', '💱', '\uffff', 'a b']

describeOnEachLog('dead letters are found', (logs) => {
  test('oldest first over all groups, page behind page, each once, whatever the groups are called', async () => {
    const storage = await logs.open()
    const { deadLetters, time } = deadLettersOf(storage)
    const letters: DeadLetter[] = []
    for (const round of [0, 1, 2]) {
      // Each round in another order, and two groups at the same time.
      for (const [i, group] of [...GROUPS.slice(round * 4), ...GROUPS.slice(0, round * 4)].entries()) {
        if (i % 2 === 0) time.now += 1
        letters.push(await bury(storage, deadLetters, group))
      }
    }
    expect(await deadLetters.list({ limit: 100 })).toEqual(letters)
    for (const limit of [1, 5, 36]) {
      const paged: DeadLetter[] = []
      for (;;) {
        const after = paged.at(-1)?.id
        const page = await deadLetters.list({ limit, ...(after !== undefined && { after }) })
        paged.push(...page)
        if (page.length < limit) break
      }
      expect(idsOf(paged)).toEqual(idsOf(letters))
    }
    for (const name of GROUPS) {
      const ofGroup = letters.filter(({ group }) => group === name)
      expect(await deadLetters.list({ group: name, limit: 100 })).toEqual(ofGroup)
      expect(await deadLetters.list({ group: name, limit: 1, after: ofGroup[0]?.id ?? '' })).toEqual(
        ofGroup.slice(1, 2)
      )
      expect(await deadLetters.count({ group: name })).toBe(3)
    }
    expect(await deadLetters.count()).toBe(36)
    expect(await deadLetters.list({ group: 'nobody', limit: 10 })).toEqual([])
    expect(await deadLetters.count({ group: 'nobody' })).toBe(0)
  })

  test('by conditions that must all hold, also behind an id and in pages', async () => {
    const storage = await logs.open()
    const { deadLetters, time } = deadLettersOf(storage)
    const kinds: readonly Partial<NewDeadLetter>[] = [
      { kind: 'poison', handler: null, eventType: null },
      { kind: 'rejected', handler: 'risk', eventType: 'order_executed' },
      { kind: 'exhausted', handler: 'risk', eventType: 'trading_signal' },
      { kind: 'exhausted', handler: 'broker', eventType: 'order_executed' }
    ]
    const letters: DeadLetter[] = []
    for (const parts of kinds) {
      time.now += 10
      letters.push(await bury(storage, deadLetters, 'group', parts))
    }
    const times = letters.map(({ deadAt }) => deadAt) as [number, number, number, number]
    const filters: readonly [DeadLetterFilter, readonly number[]][] = [
      [{}, [0, 1, 2, 3]],
      [{ kind: 'exhausted' }, [2, 3]],
      [{ handler: 'risk' }, [1, 2]],
      [{ eventType: 'order_executed' }, [1, 3]],
      [{ eventType: 'order_executed', handler: 'risk', group: 'group' }, [1]],
      [{ fingerprint: letters[2]?.fingerprint ?? '' }, [2]],
      [{ fingerprint: letters[2]?.fingerprint ?? '', group: 'group' }, [2]],
      [{ since: times[2] }, [2, 3]],
      [{ since: times[2] + 1 }, [3]],
      [{ until: times[1] }, [0, 1]],
      [{ until: times[1] - 1 }, [0]],
      [{ since: times[1], until: times[2] }, [1, 2]],
      [{ since: times[1], handler: 'broker', group: 'group' }, [3]],
      [{ group: 'another' }, []]
    ]
    for (const [filter, expected] of filters) {
      const wanted = expected.map((i) => letters[i])
      expect(await deadLetters.list({ ...filter, limit: 10 }), JSON.stringify(filter)).toEqual(wanted)
      expect(await deadLetters.count(filter), JSON.stringify(filter)).toBe(expected.length)
    }
    expect(await deadLetters.list({ handler: 'risk', limit: 1 })).toEqual(letters.slice(1, 2))
    expect(await deadLetters.list({ handler: 'risk', limit: 1, after: letters[1]?.id ?? '' })).toEqual(
      letters.slice(2, 3)
    )
  })

  test('by their id, and as they were given', async () => {
    const storage = await logs.open()
    const { deadLetters, time } = deadLettersOf(storage)
    const error = { message: 'größer 💱', stack: 'Error\n    at x (/a.ts:1:1)', pointer: '/data', at: 2 }
    const parts = { raw: { field: 'value' }, lastError: error, note: 'a note', attempts: 5, amended: true, requeues: 2 }
    const delivery = await handedTo(storage, 'group')
    const wanted = letterOf('group', delivery, parts)
    const [dead] = await deadLetters.prepare([wanted])
    if (dead === undefined) throw new Error('Nothing was prepared.')
    await storage.commit([{ write: dead.writes }])
    const { id, fingerprint, ...rest } = dead.letter
    expect(rest).toEqual({ ...wanted, deadAt: time.now })
    expect(fingerprint).toMatch(/^[\da-f]{16}$/)
    expect(await deadLetters.get(id)).toEqual(dead.letter)
    expect(await deadLetters.get('nonsense')).toBeUndefined()
  })

  test('by cause: of each group and fingerprint how many there are, and the oldest', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage)
    const failing = (line: number) => {
      const stack = `TypeError: of ${Math.random()}\n    at trade (/app/trade.ts:${line}:9)`
      return { lastError: { message: `${Math.random()}`, stack, at: 1 } }
    }
    const letters: Record<string, DeadLetter[]> = {}
    for (const group of ['a~b', 'größe']) {
      for (const line of [1, 2, 1, 1]) {
        const letter = await bury(storage, deadLetters, group, failing(line))
        letters[`${group} ${line}`] = [...(letters[`${group} ${line}`] ?? []), letter]
      }
    }
    const causes = await deadLetters.causes()
    const wanted = Object.values(letters).map(([oldest, ...others]) => {
      const { group, fingerprint } = oldest as DeadLetter
      return { group, fingerprint, count: 1 + others.length, oldest }
    })
    expect(causes).toHaveLength(4)
    expect(causes).toEqual(expect.arrayContaining(wanted))
    const ofGroup = await deadLetters.causes({ group: 'a~b' })
    expect(ofGroup).toHaveLength(2)
    expect(ofGroup).toEqual(expect.arrayContaining(wanted.filter(({ group }) => group === 'a~b')))
    const [first] = letters['a~b 1'] ?? []
    await deadLetters.discard(first?.id ?? '', { by: 'ada', reason: 'A test order.' })
    const left = (await deadLetters.causes({ group: 'a~b' })).find(
      ({ fingerprint }) => fingerprint === first?.fingerprint
    )
    expect(left).toMatchObject({ count: 2, oldest: letters['a~b 1']?.[1] })
  })
})
