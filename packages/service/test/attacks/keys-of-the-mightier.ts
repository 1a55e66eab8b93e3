import { expect } from 'vitest'
import { callerWith, guardedService } from '../http/access/support.ts'

/** A principal that may do nothing but manage keys ends the key of the executor, by revoking it and by rotating it without an overlap. */
export async function keysOfTheMightier(): Promise<void> {
  const { as, url } = await guardedService('redis')
  const admin = await as('admin', ['*'])
  const { id, key } = (await admin.post('/keys', { name: 'executor', scopes: ['publish:*', 'consume:orders'] })).body
  const clerk = await as('clerk', ['admin:keys'])

  await clerk.post(`/keys/${id}/rotate`, { overlap_ms: 0 })
  await clerk.delete(`/keys/${id}`)

  const executor = callerWith(url, { authorization: `Bearer ${key}` })
  expect((await executor.post('/events', { event_type: 'system_health' })).status).toBe(200)
}
