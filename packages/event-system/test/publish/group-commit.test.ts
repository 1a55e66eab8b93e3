import { type Clock, EventSystemError, systemClock } from '@tradpal/events'
import { describe, expect, test } from 'vitest'
import type { AppendEntry, AppendResult, Storage } from '../../src/log/index.ts'
import { Circuit } from '../../src/publish/circuit.ts'
import { GroupCommit } from '../../src/publish/group-commit.ts'
import { Parcel } from '../../src/publish/parcel.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'

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

function newCommit(clock: Clock = systemClock) {
  const log = new ScriptedLog()
  const commit = new GroupCommit({
    storage: { log } as unknown as Storage,
    circuit: new Circuit(silentLogger, clock),
    clock,
    random: Math.random,
    deduplicationWindowMs: 120_000
  })
  const appendAll = (entries: readonly AppendEntry[], timeoutMs = 5_000) => {
    const offeredAt = clock.now()
    const parcel = new Parcel({ entries, keys: [], offeredAt, deadline: offeredAt + timeoutMs, maySpool: false })
    commit.offer(parcel)
    return parcel.outcome
  }
  const append = async (one: AppendEntry): Promise<AppendResult | undefined> => {
    const outcome = await appendAll([one])
    return outcome.kind === 'appended' ? outcome.results[outcome.at] : undefined
  }
  return { log, commit, append, appendAll }
}

describe('group commit', () => {
  test('the first entry of a turn leaves within it, and what comes after it leaves together at its end', async () => {
    const { log, append } = newCommit()
    void append(entry('a'))
    await Promise.resolve()
    expect(log.sizes).toEqual([1])
    void append(entry('b'))
    await Promise.resolve()
    void append(entry('c'))
    await Promise.resolve()
    expect(log.sizes).toEqual([1])
    await turn()
    expect(log.appends.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']])
  })

  test('after a busy turn the first goes with the others, and after a quiet one at once again', async () => {
    const { log, append } = newCommit()
    for (let i = 0; i < 5; i++) void append(entry(`busy-${i}`))
    await turn()
    for (const { answer } of log.appends.splice(0)) answer()
    await turn()
    void append(entry('a'))
    await Promise.resolve()
    await Promise.resolve()
    expect(log.sizes).toEqual([])
    void append(entry('b'))
    await turn()
    expect(log.sizes).toEqual([2])
    for (const { answer } of log.appends.splice(0)) answer()
    await turn()
    void append(entry('c'))
    await Promise.resolve()
    await Promise.resolve()
    expect(log.sizes).toEqual([1])
  })

  test('entries of one piece of work go together, at most 250 to an append and four appends on their way', async () => {
    const { log, append } = newCommit()
    const all = Promise.all(Array.from({ length: 1_400 }, (_, i) => append(entry(String(i)))))
    await turn()
    expect(log.sizes).toEqual([250, 250, 250, 250])
    for (const { answer } of log.appends.slice(0, 4)) answer()
    await turn()
    await turn()
    expect(log.sizes).toEqual([250, 250, 250, 250, 250, 150])
    for (const { answer } of log.appends.slice(4)) answer()
    expect((await all).map((result) => result?.messageId)).toEqual(Array.from({ length: 1_400 }, (_, i) => `at-${i}`))
  })

  test('a unit keeps its place and is not cut, and a batch waits no longer than the first of it', async () => {
    const { log, append, appendAll } = newCommit()
    void append(entry('before'))
    void appendAll([entry('one'), entry('two')], 70)
    void append(entry('after'))
    await turn()
    expect(log.appends.map(({ ids }) => ids)).toEqual([['before', 'one', 'two', 'after']])
    expect(log.appends[0]?.timeoutMs).toBeGreaterThan(60)
    expect(log.appends[0]?.timeoutMs).toBeLessThanOrEqual(70)
    const large = (name: string) => Array.from({ length: 700 }, (_, i) => entry(`${name}-${i}`))
    void appendAll(large('first'))
    void appendAll(large('second'))
    await turn()
    await turn()
    expect(log.sizes).toEqual([4, 700, 700])
  })

  test('what has waited beyond its time is refused and never sent, and cuts the time of nobody else short', async () => {
    const { log, append, appendAll } = newCommit()
    const batches = Array.from({ length: 4 }, (_, b) => Array.from({ length: 1_000 }, (_, i) => entry(`${b}-${i}`)))
    const sent = Promise.all(batches.map((batch) => appendAll(batch)))
    await turn()
    expect(log.sizes).toEqual([1_000, 1_000, 1_000, 1_000])
    const late = appendAll([entry('late')], 10)
    late.catch(() => {})
    const inTime = append(entry('in time'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const { answer } of log.appends.splice(0)) answer()
    await expect(late).rejects.toThrow(expect.objectContaining({ code: 'log_unavailable' }))
    await expect(late).rejects.toThrow(/answers too slowly/)
    await turn()
    expect(log.appends.map(({ ids }) => ids)).toEqual([['in time']])
    expect(log.appends[0]?.timeoutMs).toBeGreaterThan(4_000)
    log.appends[0]?.answer()
    await Promise.all([sent, inTime])
  })

  test('what failed is not sent again with less than 10 ms left: those that go with it would have no more', async () => {
    let now = 1_000_000
    const sleeps: (() => void)[] = []
    const sleep = () => new Promise<void>((resolve) => sleeps.push(resolve))
    const { log, appendAll } = newCommit({ now: () => now, sleep })
    const hurried = appendAll([entry('hurried')], 500)
    const patient = appendAll([entry('patient')], 5_000)
    hurried.catch(() => {})
    await turn()
    expect(log.appends.map(({ ids }) => ids)).toEqual([['hurried', 'patient']])
    log.appends.splice(0)[0]?.fail(new EventSystemError('log_unavailable', 'The log is away.'))
    await waitFor(() => sleeps.length === 1)
    now += 491
    sleeps[0]?.()
    await waitFor(() => log.appends.length === 1)
    expect(log.appends[0]).toMatchObject({ ids: ['patient'], timeoutMs: 4_509 })
    log.appends[0]?.answer()
    await expect(hurried).rejects.toThrow(expect.objectContaining({ code: 'log_unavailable' }))
    expect(await patient).toMatchObject({ kind: 'appended' })
  })

  test('a failed append fails those of it and no others', async () => {
    const { log, append } = newCommit()
    const a = append(entry('a'))
    await turn()
    const b = append(entry('b'))
    await turn()
    log.appends[0]?.fail(new Error('broken'))
    log.appends[1]?.answer()
    await expect(a).rejects.toThrow('broken')
    expect(await b).toEqual({ messageId: 'at-b', duplicate: false })
  })

  test('draining resolves when all that was offered is answered, well or not', async () => {
    const { log, commit, append } = newCommit()
    const a = append(entry('a'))
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
