import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventClient } from '@tradpal/event-client'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../../test/support/new-folder.ts'
import { get, LOGS, newLog } from '../support/test-service.ts'
import { callerWith, guardedService, keyHeaders } from './support.ts'

describe.each(LOGS)('API keys over HTTP, over %s', (kind) => {
  test('are made, listed without the key, rotated and revoked, by the client', async () => {
    const { service, url, as } = await guardedService(kind)
    const client = new EventClient({ url, headers: await keyHeaders(service, 'admin', ['*']) })
    onTestFinished(() => client.close())
    const expiresAt = Date.now() + 86_400_000
    const { key, apiKey } = await client.keys.create({
      name: 'ml_service',
      scopes: ['read:*'],
      sources: ['ml'],
      expiresAt
    })
    expect(apiKey).toEqual({
      id: expect.any(String),
      name: 'ml_service',
      scopes: ['read:*'],
      sources: ['ml'],
      createdAt: expect.any(Number),
      createdBy: 'admin',
      expiresAt,
      revokedAt: null
    })
    const asKey = (text: string) => get(`${url}/events`, { headers: { authorization: `Bearer ${text}` } })
    expect((await asKey(key)).status).toBe(200)

    const rotated = await client.keys.rotate(apiKey.id, { overlapMs: 3_600_000 })
    expect(rotated.apiKey).toMatchObject({ name: 'ml_service', scopes: ['read:*'], sources: ['ml'] })
    expect((await asKey(rotated.key)).status).toBe(200)
    expect((await asKey(key)).status).toBe(200)

    expect((await client.keys.revoke(apiKey.id)).revokedAt).toEqual(expect.any(Number))
    expect((await asKey(key)).status).toBe(401)
    expect((await asKey(rotated.key)).status).toBe(200)
    const listed = await client.keys.list()
    expect(listed.map(({ id }) => id).slice(1)).toEqual([apiKey.id, rotated.apiKey.id])
    expect(listed[1]?.lastUsedAt).toEqual(expect.any(Number))
    const text = (await (await as('another', ['admin:keys'])).get('/keys')).text
    expect(text).not.toContain(key.slice(21))
    expect(text).not.toContain('hash')
  })

  test('one that is revoked at an instance lets in no request that is sent behind the answer, at another that is busy with it', async () => {
    const environment = { ...(await newLog(kind)), EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0' }
    const [here, elsewhere] = [await guardedService(kind, environment), await guardedService(kind, environment)]
    const admin = await here.as('admin', ['*'])
    const { id, key } = (await admin.post('/keys', { name: 'a', scopes: ['read:*'] })).body
    const reader = callerWith(elsewhere.url, { authorization: `Bearer ${key}` })
    const statuses = { before: [] as number[], behind: [] as number[] }
    let isAnswered = false
    const readOn = async () => {
      while (statuses.behind.length < 20) {
        const answers = isAnswered ? statuses.behind : statuses.before
        answers.push((await reader.get('/events')).status)
      }
    }
    const reading = Promise.all([readOn(), readOn()])
    await waitFor(() => statuses.before.length > 20)
    expect(new Set(statuses.before)).toEqual(new Set([200]))

    expect((await admin.delete(`/keys/${id}`)).status).toBe(200)
    isAnswered = true
    await reading
    expect(new Set(statuses.behind)).toEqual(new Set([401]))
  })
})

test('nobody gives more than they have, nor makes a key of a name to which the policy gives more', async () => {
  const { as } = await guardedService()
  const admin = await as('admin', ['admin:keys', 'read:market_*'])
  const refused = await admin.post('/keys', { name: 'a', scopes: ['read:market_data_update', 'read:*', 'publish:*'] })
  expect(refused).toMatchObject({
    status: 403,
    body: { detail: 'admin lacks publish:*, read:*, and cannot give what it has not.', pointer: '/scopes' }
  })
  expect((await admin.post('/keys', { name: 'a', scopes: ['read:market_data_*'] })).status).toBe(200)
  const mighty = await as('mighty', ['*'])
  const { id } = (await mighty.post('/keys', { name: 'b', scopes: ['publish:*'] })).body
  expect((await admin.post(`/keys/${id}/rotate`, {})).status).toBe(403)
})

test('nobody ends a key that may do more than themselves, by revoking it or by rotating it; one that may do less they end', async () => {
  const { as, url } = await guardedService('sqlite', { EVENT_AUDIT: 'on' })
  const mighty = await as('mighty', ['*'])
  const { id, key } = (await mighty.post('/keys', { name: 'executor', scopes: ['publish:*', 'consume:orders'] })).body
  const admin = await as('admin', ['admin:keys', 'publish:*'])
  const refused = await admin.delete(`/keys/${id}`)
  expect(refused).toMatchObject({
    status: 403,
    body: { detail: 'admin lacks consume:orders, and cannot end a key that may do more than itself.' }
  })
  expect((await admin.post(`/keys/${id}/rotate`, { overlap_ms: 0 })).status).toBe(403)
  const executor = callerWith(url, { authorization: `Bearer ${key}` })
  expect((await executor.post('/events', { event_type: 'system_health' })).status).toBe(200)
  const { entries } = (await mighty.get('/audit?action=keys.revoked')).body
  expect(entries.map(({ outcome, principal }: Record<string, unknown>) => [outcome, principal])).toEqual([
    ['begun', 'admin'],
    ['refused', 'admin']
  ])

  const weaker = (await mighty.post('/keys', { name: 'feed', scopes: ['publish:market_*'] })).body
  expect((await admin.delete(`/keys/${weaker.id}`)).status).toBe(200)
  expect((await admin.delete('/keys/none')).status).toBe(404)
  expect((await mighty.delete(`/keys/${id}`)).status).toBe(200)
})

test('what the policy gives a name counts as what its key may do', async () => {
  const folder = await newFolder()
  const policy = join(folder, 'policy.json')
  await writeFile(policy, JSON.stringify({ principals: { executor: { scopes: ['consume:orders'] } } }))
  const { as } = await guardedService('sqlite', { EVENT_POLICY_FILE: policy })
  const { id } = (await (await as('mighty', ['*'])).post('/keys', { name: 'executor', scopes: [] })).body
  const admin = await as('admin', ['admin:keys'])
  expect((await admin.delete(`/keys/${id}`)).status).toBe(403)
})

test('a key ends itself, and every other that it could make', async () => {
  const { as } = await guardedService()
  const admin = await as('admin', ['admin:keys', 'stream:order-'])
  const made = (await admin.post('/keys', { name: 'a', scopes: ['stream:order-7*'] })).body
  expect((await admin.delete(`/keys/${made.id}`)).status).toBe(200)
  const [own] = (await admin.get('/keys')).body.keys
  expect(own).toMatchObject({ name: 'admin', scopes: ['admin:keys', 'stream:order-'] })
  expect((await admin.delete(`/keys/${own.id}`)).status).toBe(200)
  expect((await admin.get('/keys')).status).toBe(401)
})

test.each([
  [{}, 400],
  [{ name: 'a b' }, 400],
  [{ name: 'a', scopes: ['nope'] }, 400],
  [{ name: 'a', expires_at: '2020-01-01T00:00:00Z' }, 400],
  [{ name: 'a', expires_at: 'soon' }, 400],
  [{ name: 'a', scope: ['read:*'] }, 400]
])('a key as %j is refused', async (body, status) => {
  const { as } = await guardedService()
  const admin = await as('admin', ['*'])
  expect((await admin.post('/keys', body)).status).toBe(status)
  expect((await admin.get('/keys')).body.keys).toHaveLength(1)
})
