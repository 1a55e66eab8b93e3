import { EventSystemError, silentLogger } from '@tradpal/event-system'
import { Audit } from '@tradpal/event-system/audit'
import { createTestSystem } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test, vi } from 'vitest'

const ANN = { principal: 'ann', proof: 'operating system' } as const

async function embedded() {
  const kit = await createTestSystem()
  onTestFinished(() => kit.close())
  const audit = new Audit({ storage: kit.system.auditLog().storage, logger: silentLogger })
  onTestFinished(() => audit.close())
  return { system: kit.system, audit }
}

test('a program that embeds the library records an action before and after it, and verifies the chain', async () => {
  const { system, audit } = await embedded()
  await audit.start()
  const trim = () => system.store.trim({ maxLength: 0 })

  await audit.perform('log.trimmed', ANN, { maxLength: 0 }, trim, ({ removed }) => ({ removed }))

  expect((await audit.list()).map(({ entry: { outcome, what } }) => [outcome, what])).toEqual([
    ['begun', { maxLength: 0 }],
    ['done', { maxLength: 0, removed: 0 }]
  ])
  const head = await audit.head()
  expect(await audit.verify({ head })).toEqual({ ok: true, entries: 2, first: 1, last: head })
})

test('an action that fails is recorded with its code, and rejects with its error', async () => {
  const { audit } = await embedded()
  const failing = () => Promise.reject(new EventSystemError('not_found', 'There is no such group.'))

  await expect(audit.perform('groups.removed', ANN, { group: 'desk' }, failing)).rejects.toThrow('no such group')

  expect((await audit.list()).at(-1)?.entry).toMatchObject({ outcome: 'failed', code: 'not_found' })
})

test('an action that cannot be recorded is not done', async () => {
  const { audit } = await embedded()
  await audit.close()
  const work = vi.fn(async () => {})

  const performed = audit.perform('groups.removed', ANN, { group: 'desk' }, work)

  await expect(performed).rejects.toMatchObject({ code: 'audit_unavailable' })
  expect(work).not.toHaveBeenCalled()
})
