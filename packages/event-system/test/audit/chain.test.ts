import { fileURLToPath } from 'node:url'
import { FakeClock, waitFor } from '@tradpal/event-system/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RunProcess } from '../../../../test/support/run-process.ts'
import { BEGINNING, type Head, sealed } from '../../src/audit/entry.ts'
import type { Audit } from '../../src/audit/index.ts'
import { ALICE, LOGS, newAudit, newAuditLog, type TestLog } from './support.ts'

/** Moves as many groups as there are to be entries, each of which is begun and done. */
async function move(audit: Audit, entries: number): Promise<void> {
  for (let i = 0; i < entries / 2; i++) {
    await audit.perform('groups.moved', ALICE, { group: `group-${i}` }, async () => {})
  }
}

/** The texts of a chain that says what `texts` say, from its beginning, with all hashes right. */
function forged(texts: readonly string[]): string[] {
  let head: Head = BEGINNING
  return texts.map((text) => {
    const { seq: _, prev: __, hash: ___, ...draft } = JSON.parse(text)
    const next = sealed(draft, head)
    head = next.head
    return next.text
  })
}

describe.each(LOGS)('the chain, over %s', (kind) => {
  async function withEntries(entries = 8): Promise<{ log: TestLog; audit: Audit; texts: string[] }> {
    const log = await newAuditLog(kind)
    const audit = await newAudit(log)
    await move(audit, entries)
    return { log, audit, texts: await log.texts() }
  }

  test('is right as it was written, also beyond one page', async () => {
    const { audit, texts } = await withEntries()
    expect(await audit.verify({ head: await audit.head() })).toEqual({
      ok: true,
      entries: 8,
      first: 1,
      last: await audit.head()
    })
    expect(texts.map((text) => JSON.parse(text).seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(JSON.parse(texts[1] ?? '')).toMatchObject({
      action: 'groups.moved',
      principal: 'alice',
      proof: 'api key',
      keyId: 'aaaaaaaaaaaa',
      address: '10.0.0.1',
      what: { group: 'group-0' },
      outcome: 'done',
      requestId: JSON.parse(texts[0] ?? '').requestId
    })
  })

  test('is one though two instances write at once, and each entry is in it once', async () => {
    const log = await newAuditLog(kind)
    const instances = [await newAudit(log), await newAudit(log)]
    await Promise.all(instances.map((audit) => move(audit, 100)))
    expect(await instances[0]?.verify()).toMatchObject({ ok: true, entries: 200, first: 1 })
    const requests = (await log.texts()).map((text) => `${JSON.parse(text).requestId} ${JSON.parse(text).outcome}`)
    expect(new Set(requests).size).toBe(200)
  })

  test.each<[string, (texts: string[]) => string[], object]>([
    [
      'a field is changed',
      (texts) => texts.with(3, texts[3]?.replace('alice', 'mallory') ?? ''),
      { kind: 'changed', seq: 4 }
    ],
    ['blanks are put in', (texts) => texts.with(3, `${texts[3]} `), { kind: 'changed', seq: 4 }],
    ['the first is removed', (texts) => texts.slice(1), { kind: 'beginning_removed', seq: 1 }],
    ['one is removed from the middle', (texts) => texts.toSpliced(3, 1), { kind: 'removed', seq: 4 }],
    ['two are swapped', (texts) => texts.with(3, texts[4] ?? '').with(4, texts[3] ?? ''), { kind: 'swapped', seq: 4 }],
    [
      'the first two are swapped',
      (texts) => texts.with(0, texts[1] ?? '').with(1, texts[0] ?? ''),
      { kind: 'swapped', seq: 1 }
    ],
    ['one stands twice', (texts) => texts.toSpliced(5, 0, texts[2] ?? ''), { kind: 'inserted', seq: 3 }],
    ['something else is put in', (texts) => texts.toSpliced(5, 0, '{"a":1}'), { kind: 'inserted', seq: 6 }],
    [
      'one is forged with a right hash',
      (texts) => texts.with(3, forged(texts.with(3, texts[1] ?? ''))[3] ?? ''),
      { kind: 'replaced', seq: 5 }
    ],
    ['the end is removed', (texts) => texts.slice(0, 6), { kind: 'end_removed', seq: 7 }]
  ])('when %s, the first that is wrong is named', async (_, change, fault) => {
    const { log, audit, texts } = await withEntries()
    await log.tamper(change(texts))
    expect(await audit.verify()).toMatchObject({
      ok: false,
      fault: { ...fault, message: expect.stringMatching(/^The entry /) }
    })
  })

  test('that is cut off or written anew with all its hashes is right by itself, and wrong by a head that was kept', async () => {
    const { log, audit, texts } = await withEntries()
    const head = await audit.head()
    await log.forget(2)
    await log.tamper(texts.slice(0, 6))
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 6 })
    expect(await audit.verify({ head })).toMatchObject({ ok: false, fault: { kind: 'end_removed', seq: 7 } })

    await log.forget(-2)
    await log.tamper(forged(texts.map((text) => text.replace('group-2', 'group-9'))))
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 8 })
    expect(await audit.verify({ head })).toMatchObject({ ok: false, fault: { kind: 'other_head', seq: 8 } })
  })

  test('that holds no entries is empty, unless nothing was to be recorded yet', async () => {
    const audit = await newAudit(await newAuditLog(kind))
    const empty = { kind: 'empty', seq: 1, message: 'The audit log holds no entries.' }
    expect(await audit.verify()).toEqual({ ok: false, entries: 0, first: null, last: null, fault: empty })
    const right = { ok: true, entries: 0, first: null, last: null }
    expect(await audit.verify({ allowEmpty: true })).toEqual(right)
    expect(await audit.verify({ head: await audit.head() })).toEqual(right)
    const kept = { seq: 8, hash: '0'.repeat(64) }
    expect(await audit.verify({ head: kept, allowEmpty: true })).toMatchObject({
      fault: { kind: 'end_removed', seq: 1 }
    })
  })

  test('of which all entries are removed is known by what the log has counted', async () => {
    const { log, audit } = await withEntries()
    await log.tamper([])
    expect(await audit.verify({ allowEmpty: true })).toMatchObject({
      ok: false,
      fault: { kind: 'end_removed', seq: 1 }
    })
    await log.forget(8)
    expect(await audit.verify()).toMatchObject({ ok: false, fault: { kind: 'empty' } })
  })

  test('goes on after its end was removed, and shows the gap', async () => {
    const { log, texts } = await withEntries()
    await log.tamper(texts.slice(0, 7))
    const next = await newAudit(log)
    await move(next, 2)
    expect(await next.verify()).toMatchObject({ ok: false, fault: { kind: 'removed', seq: 8 } })
  })

  test('has what was begun by a process that was killed, and goes on behind it', async () => {
    const log = await newAuditLog(kind)
    const args = [JSON.stringify(log.place)]
    const child = new RunProcess({
      script: fileURLToPath(new URL('./crashing-child.ts', import.meta.url)),
      args,
      complaints: '/dev/null'
    })
    await child.begun
    await child.kill()
    expect((await log.texts()).map((text) => JSON.parse(text))).toMatchObject([
      { seq: 1, action: 'groups.removed', what: { group: 'desk' }, outcome: 'begun' }
    ])
    const audit = await newAudit(log)
    await move(audit, 2)
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 3 })
  })

  test('that was trimmed is right from its new start, says so, and only as far as it says', async () => {
    const log = await newAuditLog(kind)
    const audit = await newAudit(log)
    await move(audit, 6)
    const old = await audit.head()
    const written = Date.now()
    await waitFor(() => Date.now() > written)
    await move(audit, 2)
    // Its clock is ahead of that of the log: all that stands there is old.
    const keeping = await newAudit(log, new FakeClock(Date.now() + 60_000), 10_000)
    await keeping.trim()
    const entries = (await log.texts()).map((text) => JSON.parse(text))
    const removed = entries[0].seq - 1
    expect(removed).toBeGreaterThanOrEqual(6)
    expect(entries.at(-1)).toMatchObject({
      seq: 9,
      action: 'audit.trimmed',
      principal: 'service',
      proof: 'the service',
      what: { from_seq: 1, up_to_seq: removed, up_to_hash: entries[0].prev }
    })
    expect(await audit.verify()).toMatchObject({ ok: true, first: removed + 1, last: { seq: 9 } })
    expect(await audit.verify({ head: { ...old, seq: old.seq - 1 } })).toMatchObject({
      fault: { kind: 'head_too_old', seq: 5 }
    })
    await move(audit, 2)
    const further = await log.texts()
    await log.tamper(further.slice(entries.length))
    expect(await audit.verify()).toMatchObject({ ok: false, fault: { kind: 'beginning_removed', seq: 9 } })
  })
})

describe('whatever is done to a chain', () => {
  const place = fc.nat({ max: 9 })
  const tampering = fc.oneof(
    fc.record({ kind: fc.constant('remove' as const), at: place }),
    fc.record({ kind: fc.constant('repeat' as const), at: place, to: place }),
    fc.record({ kind: fc.constant('swap' as const), at: place, to: place }),
    fc.record({ kind: fc.constant('edit' as const), at: place, byte: fc.nat({ max: 250 }) }),
    fc.record({ kind: fc.constant('forge' as const), at: place })
  )

  function tampered(
    texts: readonly string[],
    steps: readonly (typeof tampering extends fc.Arbitrary<infer T> ? T : never)[]
  ): string[] {
    let changed = [...texts]
    for (const step of steps) {
      const text = changed[step.at]
      if (text === undefined) continue
      if (step.kind === 'remove') changed = changed.toSpliced(step.at, 1)
      else if (step.kind === 'repeat') changed = changed.toSpliced(step.to, 0, text)
      else if (step.kind === 'swap')
        changed = changed.with(step.at, changed[step.to] ?? text).with(Math.min(step.to, changed.length - 1), text)
      else if (step.kind === 'edit') {
        const character = text[step.byte % text.length]
        changed = changed.with(
          step.at,
          text.slice(0, step.byte % text.length) +
            (character === '7' ? '8' : '7') +
            text.slice((step.byte % text.length) + 1)
        )
      } else
        changed = [
          ...changed.slice(0, step.at),
          ...forged(changed.map((one) => (isEntry(one) ? one.replace('alice', 'bob') : (texts[0] ?? '')))).slice(
            step.at
          )
        ]
    }
    return changed
  }

  test('is found, against the head that it had', async () => {
    const log = await newAuditLog('sqlite')
    const audit = await newAudit(log)
    await move(audit, 10)
    const [texts, head] = [await log.texts(), await audit.head()]
    await fc.assert(
      fc.asyncProperty(fc.array(tampering, { minLength: 1, maxLength: 3 }), async (steps) => {
        const changed = tampered(texts, steps)
        await log.tamper(changed)
        const isAsWritten = changed.length === texts.length && changed.every((text, i) => text === texts[i])
        expect((await audit.verify({ head })).ok).toBe(isAsWritten)
      }),
      { numRuns: 300 }
    )
  })
})

function isEntry(text: string): boolean {
  try {
    return typeof JSON.parse(text).what === 'object'
  } catch {
    return false
  }
}
