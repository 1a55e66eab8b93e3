import { createEvent, Documents, type EventSystem } from '@tradpal/event-system'
import { ApiKeys, operator } from '@tradpal/event-system/access'
import { createTestSystem } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { buildOperatorsApp } from '../../src/http/operators-app.ts'
import { OperatorsAudit } from '../../src/http/operators-audit.ts'
import { get, serviceOver } from './support/test-service.ts'

async function operators(): Promise<{ system: EventSystem; app: Awaited<ReturnType<typeof buildOperatorsApp>> }> {
  const kit = await createTestSystem()
  onTestFinished(() => kit.close())
  const { system } = kit
  const audit = new OperatorsAudit({ system, records: 'never' })
  const app = await buildOperatorsApp({ system, operator: operator('ann'), audit })
  onTestFinished(() => app.close())
  return { system, app }
}

const json = { 'content-type': 'application/json' }

test('every request is of the operator, who may do everything, and whose events are published as they are', async () => {
  const { system, app } = await operators()
  const metadata = { principal: 'somebody', amended_by: 'bob' }
  const event = { event_type: 'risk_alert', source: 'anything', metadata }
  const published = await app.inject({ method: 'POST', url: '/events', headers: json, payload: event })
  expect(published.statusCode).toBe(200)
  expect(await system.getEvents({ raw: true })).toMatchObject([{ source: 'anything', metadata }])

  const wanted = { name: 'ops', scopes: ['*'] }
  const made = await app.inject({ method: 'POST', url: '/keys', headers: json, payload: wanted })
  expect(made.json()).toMatchObject({ created_by: 'operator:ann', scopes: ['*'] })
})

test('a page may be of any size, a key that is rotated may live on for any time, and a request that the endpoint does not take is refused as by the service', async () => {
  const { system, app } = await operators()
  for (let i = 0; i < 3; i++) await system.publishBatch(Array.from({ length: 500 }, () => createEvent('risk_alert')))
  expect((await app.inject('/events?limit=1500')).json().events).toHaveLength(1_500)
  const { id } = (await app.inject({ method: 'POST', url: '/keys', headers: json, payload: { name: 'a' } })).json()
  const payload = { overlap_ms: 90 * 86_400_000 }
  const rotated = await app.inject({ method: 'POST', url: `/keys/${id}/rotate`, headers: json, payload })
  expect(rotated.statusCode).toBe(200)
  for (const url of ['/events?limit=0', '/events?bogus=1']) {
    expect((await app.inject(url)).json()).toMatchObject({ status: 400, code: 'invalid_argument' })
  }
})

test('an error that is none of the event system is told as it is, since no log of a service has it', async () => {
  const { system, app } = await operators()
  vi.spyOn(system, 'getEventStats').mockRejectedValue(new Error('EIO: i/o error, read'))
  expect((await app.inject('/events/stats')).json()).toMatchObject({
    code: 'log_failed',
    detail: 'EIO: i/o error, read'
  })
})

test('nobody reaches it over a network: it does not listen', async () => {
  const { app } = await operators()
  await expect(app.listen({ port: 0 })).rejects.toMatchObject({ code: 'unsupported' })
  expect(() => app.server.listen(0)).toThrow(expect.objectContaining({ code: 'unsupported' }))
})

test('a service takes no request for that of an operator: not by a name, a header or an API key of that name', async () => {
  const { url, system } = await serviceOver('sqlite', { EVENT_AUTH: 'required' })
  const keys = new ApiKeys(new Documents(system.storage))
  const { key } = await keys.create({ name: 'operator:ann', scopes: ['read:*', 'admin:audit'], by: 'a test' })
  for (const headers of [
    {},
    { 'user-agent': 'lightMyRequest', host: 'localhost:80' },
    { authorization: 'Bearer operator:ann' },
    { 'x-api-key': 'operator:ann', 'x-proof': 'operating system', 'x-principal': 'operator:ann' }
  ]) {
    expect(await get(`${url}/keys`, { headers })).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  }
  const authorization = `Bearer ${key}`
  expect(await get(`${url}/keys`, { headers: { authorization } })).toMatchObject({ status: 403 })
  const { body } = await get(`${url}/events?limit=5000`, { headers: { authorization } })
  expect(body).toMatchObject({ status: 400, code: 'invalid_argument' })
})
