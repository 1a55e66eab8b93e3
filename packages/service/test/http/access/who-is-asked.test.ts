import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventSystem, silentLogger } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { newFolder } from '../../../../../test/support/new-folder.ts'
import { readServiceConfiguration } from '../../../src/configuration.ts'
import { buildApp } from '../../../src/http/app.ts'
import { get, newLog, post, serviceOver, signal } from '../support/test-service.ts'
import { callerWith, guardedService, keyHeaders } from './support.ts'

/** A service that can be asked as if from any address. */
async function appWith(environment: Record<string, string>) {
  const log = await newLog('sqlite')
  const system = new EventSystem({ environment: log })
  await system.initialize()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => warnings.push(message) }
  const app = await buildApp({ system, configuration: readServiceConfiguration({ ...log, ...environment }), logger })
  onTestFinished(async () => {
    await app.close()
    await system.close()
  })
  const statusFrom = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await app.inject({ method: 'GET', url: '/events', remoteAddress, headers })).statusCode
  return { app, warnings, statusFrom }
}

describe('a service that nobody told who may use it', () => {
  test('answers neighbours, and tells strangers how to configure it', async () => {
    const { app, statusFrom } = await appWith({})
    for (const address of ['127.0.0.1', '::1', '10.0.0.7', '::ffff:192.168.1.2', 'fd12::1']) {
      expect(await statusFrom(address)).toBe(200)
    }
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/events',
      remoteAddress: '203.0.113.7',
      payload: signal()
    })
    expect(statusCode).toBe(403)
    expect(JSON.parse(body)).toMatchObject({
      code: 'forbidden',
      detail: expect.stringMatching(/set EVENT_AUTH=required/)
    })
    expect((await app.inject({ url: '/events', remoteAddress: '127.0.0.1' })).json().count).toBe(0)
  })

  test('answers no stranger whom a neighbour lets through', async () => {
    const { statusFrom } = await appWith({})
    expect(await statusFrom('10.0.0.7', { 'x-forwarded-for': '203.0.113.7, 10.0.0.8' })).toBe(403)
    expect(await statusFrom('127.0.0.1', { forwarded: 'for=203.0.113.7' })).toBe(403)
    expect(await statusFrom('127.0.0.1', { 'x-forwarded-for': '' })).toBe(200)
    expect(await statusFrom('10.0.0.7', { 'x-forwarded-for': '10.0.0.9' })).toBe(200)
  })

  test('says so in a loud line and in its health', async () => {
    const { app, warnings } = await appWith({})
    expect(warnings).toEqual([expect.stringMatching(/nobody has said who may: make a key/)])
    expect((await app.inject({ url: '/health', remoteAddress: '127.0.0.1' })).json().warnings).toEqual(warnings)
  })
})

test('EVENT_AUTH=off answers everybody, and says so', async () => {
  const { app, statusFrom, warnings } = await appWith({ EVENT_AUTH: 'off' })
  expect(await statusFrom('203.0.113.7')).toBe(200)
  expect(warnings).toEqual([expect.stringMatching(/asks nobody for credentials \(EVENT_AUTH=off\)/)])
  expect((await app.inject({ url: '/health', remoteAddress: '203.0.113.7' })).json().warnings).toEqual(warnings)
})

describe('a service that asks for credentials', () => {
  test('asks everybody, from wherever, by a problem document and WWW-Authenticate', async () => {
    const { app } = await appWith({ EVENT_AUTH: 'required' })
    const answer = await app.inject({ url: '/events', remoteAddress: '127.0.0.1' })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'www-authenticate': 'Bearer realm="tradpal-events"'
    })
    expect(answer.json()).toMatchObject({
      title: 'Unauthorized',
      code: 'unauthenticated',
      detail: expect.stringMatching(/send an API key or a token/)
    })
  })

  test.each([
    ['Basic dTpw', /must be Bearer/],
    ['Bearer', /must be Bearer/],
    ['Bearer a b', /must be Bearer/],
    ['Bearer secret', /no API key/]
  ])('refuses Authorization: %s', async (authorization, detail) => {
    const { url } = await guardedService()
    const { status, body } = await get(`${url}/events`, { headers: { authorization } })
    expect(status).toBe(401)
    expect(body.detail).toMatch(detail)
    expect(body.detail).not.toContain('secret')
  })

  test('takes a key as X-API-Key too', async () => {
    const { service, url } = await guardedService()
    const { authorization } = await keyHeaders(service, 'a', ['read:*'])
    const key = authorization?.replace('Bearer ', '') ?? ''
    expect((await get(`${url}/events`, { headers: { 'x-api-key': key } })).status).toBe(200)
  })

  test('refuses before it reads a body', async () => {
    const { url } = await guardedService()
    expect(await post(`${url}/events`, 'x'.repeat(2_000_000))).toMatchObject({ status: 401 })
  })

  test('tells its health to everybody, and the details to who is known', async () => {
    const { url, as } = await guardedService()
    const { body } = await get(`${url}/health`)
    expect(body).toEqual({ status: 'healthy', timestamp: expect.any(String), service: 'event_service' })
    expect((await get(`${url}/health`, { headers: { authorization: 'Bearer wrong' } })).body).not.toHaveProperty('log')
    expect((await (await as('a', ['stats'])).get('/health')).body).toMatchObject({
      log: { kind: 'sqlite' },
      warnings: []
    })
  })

  test('shows its metrics to who may see them, or to everybody with EVENT_METRICS_PUBLIC=true', async () => {
    const { url, as } = await guardedService()
    expect((await get(`${url}/metrics`)).status).toBe(401)
    expect((await (await as('a', ['stats'])).get('/metrics')).status).toBe(403)
    expect((await (await as('a', ['metrics'])).get('/metrics')).status).toBe(200)
    const open = await guardedService('sqlite', { EVENT_METRICS_PUBLIC: 'true' })
    expect((await get(`${open.url}/metrics`)).status).toBe(200)
  })

  test('a revoked key is refused by every instance with the next request', async () => {
    const log = await newLog('redis')
    const [one, other] = [
      await serviceOver('redis', { EVENT_AUTH: 'required', ...log }),
      await serviceOver('redis', { EVENT_AUTH: 'required', ...log })
    ]
    const admin = callerWith(one.url, await keyHeaders(one, 'admin', ['*']))
    const { key, id } = (await admin.post('/keys', { name: 'a', scopes: ['read:*'] })).body
    const caller = callerWith(other.url, { authorization: `Bearer ${key}` })
    expect((await caller.get('/events')).status).toBe(200)
    await admin.delete(`/keys/${id}`)
    expect(await caller.get('/events')).toMatchObject({
      status: 401,
      body: { detail: `The API key ${id} was revoked.` }
    })
  })
})

test('EVENT_AUTH=optional takes who shows no credentials for anonymous, and refuses wrong ones', async () => {
  const policy = join(await newFolder(), 'policy.json')
  await writeFile(policy, '{"principals": {"anonymous": {"scopes": ["read:market_*"]}}}')
  const { url } = await guardedService('sqlite', { EVENT_AUTH: 'optional', EVENT_POLICY_FILE: policy })
  expect((await get(`${url}/events`)).status).toBe(200)
  const refused = await post(`${url}/events`, signal())
  expect(refused).toMatchObject({ status: 403, body: { detail: 'anonymous lacks a scope that begins with publish:.' } })
  expect((await get(`${url}/events`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
  expect((await get(`${url}/health`)).body).not.toHaveProperty('log')
})

test('a policy makes credentials required, gives a key of its name more, and holds without a restart; a mistake in it changes nothing', async () => {
  const policy = join(await newFolder(), 'policy.json')
  const allow = (...scopes: string[]) =>
    writeFile(policy, JSON.stringify({ principals: { desk: { scopes, sources: ['desk', 'a_test'] } } }))
  await allow('publish:trading_signal')
  const errors: object[] = []
  const logger = { ...silentLogger, error: (details: object) => errors.push(details) }
  const service = await serviceOver('sqlite', { EVENT_POLICY_FILE: policy }, { logger })
  const caller = callerWith(service.url, await keyHeaders(service, 'desk', ['stats']))
  expect((await get(`${service.url}/events`)).status).toBe(401)
  expect((await caller.post('/events', signal())).status).toBe(200)
  expect((await caller.get('/events')).status).toBe(403)

  await allow('publish:trading_signal', 'read:*')
  await waitFor(async () => (await caller.get('/events')).status === 200)
  await writeFile(policy, '{"principals": {"desk": {"scopes": []')
  await waitFor(() => errors.length > 0)
  expect((await caller.get('/events')).status).toBe(200)
  await allow('stats')
  await waitFor(async () => (await caller.get('/events')).status === 403)
})

test.each([
  [{ EVENT_AUTH: 'yes' }, /EVENT_AUTH must be required or optional or off, got "yes"/],
  [{ EVENT_METRICS_PUBLIC: '1' }, /EVENT_METRICS_PUBLIC must be false or true, got "1"/]
])('%j is refused at the start', (environment, message) => {
  expect(() => readServiceConfiguration(environment)).toThrow(message)
})

test('a policy file that is not there is refused at the start, by its name', async () => {
  await expect(serviceOver('sqlite', { EVENT_POLICY_FILE: '/nowhere/policy.json' })).rejects.toThrow(
    /The policy \(EVENT_POLICY_FILE\) cannot be used \(\/nowhere\/policy\.json\): ENOENT/
  )
})

test('a service that cannot start looks at none of its files any more', async () => {
  const log = await newLog('sqlite')
  const policy = join(await newFolder(), 'policy.json')
  await writeFile(policy, '{}')
  await writeFile(`${log.EVENT_LOG_PATH}.audit.db`, 'This is a letter, not a log.')
  const [begun, ended] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearInterval')]
  onTestFinished(() => void vi.restoreAllMocks())
  await expect(serviceOver('sqlite', { ...log, EVENT_POLICY_FILE: policy })).rejects.toMatchObject({
    code: 'log_incompatible'
  })
  const looks = begun.mock.results.filter((_, i) => begun.mock.calls[i]?.[1] === 1_000).map(({ value }) => value)
  expect(looks).toHaveLength(1)
  expect(ended.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(looks))
})
