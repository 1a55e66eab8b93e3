import { describe, expect, test } from 'vitest'
import type { AppendEntry, AppendResult, EventLog } from '../../src/log/index.ts'
import { GroupCommit } from '../../src/publish/group-commit.ts'

/** A log whose appends the test answers: only the order and the size of the appends are looked at here. */
class ScriptedLog {
  readonly appends: {
    ids: string[]
    timeoutMs: number | undefined
    answer: () => void
    fail: (error: Error) => void
  }[] = []

  readonly append = (entries: readonly AppendEntry[], options?: { timeoutMs?: number }): Promise<AppendResult[]> =>
    new Promise((resolve, reject) => {
      this.appends.push({
        ids: entries.map(({ eventId }) => eventId),
        timeoutMs: options?.timeoutMs,
        answer: () => resolve(entries.map(({ eventId }) => ({ messageId: `at-${eventId}`, duplicate: false }))),
        fail: reject
      })
    })

  get sizes(): number[] {
    return this.appends.map(({ ids }) => ids.length)
  }
}

const entry = (eventId: string): AppendEntry => ({ eventId, eventType: 't', payload: '{}' })
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

function newCommit(): { log: ScriptedLog; commit: GroupCommit } {
  const log = new ScriptedLog()
  return { log, commit: new GroupCommit(log as unknown as EventLog, 5_000) }
}

describe('group commit', () => {
  test('the first entry of a turn leaves within it, and what comes after it leaves together at its end', async () => {
    const { log, commit } = newCommit()
    void commit.append(entry('a'))
    await Promise.resolve()
    expect(log.sizes).toEqual([1])
    void commit.append(entry('b'))
    await Promise.resolve()
    void commit.append(entry('c'))
    await Promise.resolve()
    expect(log.sizes).toEqual([1])
    await turn()
    expect(log.appends.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']])
  })

  test('entries of one piece of work go together, at most 1,000 to an append and four appends on their way', async () => {
    const { log, commit } = newCommit()
    const all = Promise.all(Array.from({ length: 5_500 }, (_, i) => commit.append(entry(String(i)))))
    await turn()
    expect(log.sizes).toEqual([1_000, 1_000, 1_000, 1_000])
    for (const { answer } of log.appends.slice(0, 4)) answer()
    await turn()
    await turn()
    expect(log.sizes).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 500])
    for (const { answer } of log.appends.slice(4)) answer()
    expect((await all).map(({ messageId }) => messageId)).toEqual(Array.from({ length: 5_500 }, (_, i) => `at-${i}`))
  })

  test('what was offered before a unit leaves before it, and what is offered after it leaves after it', async () => {
    const { log, commit } = newCommit()
    void commit.append(entry('before'))
    void commit.appendTogether([entry('one'), entry('two')], 70)
    void commit.append(entry('after'))
    await turn()
    expect(log.appends.map(({ ids }) => ids)).toEqual([['before'], ['one', 'two'], ['after']])
    expect(log.appends.map(({ timeoutMs }) => timeoutMs)).toEqual([5_000, 70, 5_000])
  })

  test('a failed append fails those of it and no others', async () => {
    const { log, commit } = newCommit()
    const a = commit.append(entry('a'))
    await turn()
    const b = commit.append(entry('b'))
    await turn()
    log.appends[0]?.fail(new Error('broken'))
    log.appends[1]?.answer()
    await expect(a).rejects.toThrow('broken')
    expect(await b).toEqual({ messageId: 'at-b', duplicate: false })
  })

  test('draining resolves when all that was offered is answered, well or not', async () => {
    const { log, commit } = newCommit()
    const a = commit.append(entry('a'))
    let drained = false
    const draining = commit.drain().then(() => {
      drained = true
    })
    await turn()
    expect(drained).toBe(false)
    log.appends[0]?.fail(new Error('broken'))
    await expect(a).rejects.toThrow('broken')
    await draining
    await commit.drain()
  })
})
