import { expect } from 'vitest'
import { guardedService } from '../http/access/support.ts'

/** The attacker may consume groups of any name, and makes a new one with each pull. */
export async function groupFlood(): Promise<void> {
  const { service, as } = await guardedService('sqlite', { EVENT_MAX_GROUPS: '20' })
  const attacker = await as('attacker', ['consume:*', 'read:*'])
  const pulls = Array.from({ length: 60 }, (_, i) => attacker.post(`/groups/flood-${i}/pull`, {}))
  const refused = (await Promise.all(pulls)).filter(({ status }) => status !== 200)
  expect(await service.system.groups.list()).toHaveLength(20)
  expect(refused).toHaveLength(40)
  for (const { status, body } of refused) {
    expect({ status, ...body }).toMatchObject({ status: 409, code: 'group_conflict' })
    expect(body.detail).toContain('EVENT_MAX_GROUPS')
  }
}
