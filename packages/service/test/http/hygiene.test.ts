import { EventSystem, silentLogger } from '@tradpal/event-system'
import { expect, onTestFinished, test } from 'vitest'
import { buildApp } from '../../src/http/app.ts'
import { takeLeaks } from '../support/leaks.ts'
import { watchfulLogger } from '../support/watchful-logger.ts'
import { endpointsOf } from './access/endpoints.ts'
import { get, newLog, serviceOver } from './support/test-service.ts'

test('every answer tells browsers to make nothing of it but what it is', async () => {
  const { url } = await serviceOver()
  for (const { method, path } of [
    ...endpointsOf((await get(`${url}/openapi.json`)).body),
    { method: 'GET', path: '/nowhere' }
  ]) {
    const response = await fetch(`${url}${path}`, { method })
    await response.body?.cancel()
    expect({ method, path, ...Object.fromEntries(response.headers) }).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(/default-src 'none'/)
    })
  }
})

test.each([
  ['/docs', /script-src 'self'/],
  ['/', /style-src 'unsafe-inline'/]
])('the page %s has a policy of contents of its own, and no other frames it', async (path, policy) => {
  const { url } = await serviceOver()
  const { status, headers } = await get(`${url}${path}`, { headers: { accept: 'text/html' } })
  expect(status).toBe(200)
  expect(headers.get('content-security-policy')).toMatch(policy)
  expect(headers.get('x-frame-options')).toMatch(/DENY|SAMEORIGIN/)
  expect(headers.get('x-powered-by')).toBeNull()
})

test('a line that holds a secret fails the test in which it was written', () => {
  for (const secret of [
    `tradpal_AAAAAAAAAAAA_${'a'.repeat(43)}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.${'a'.repeat(43)}`,
    'redis://events:password@localhost:6379',
    '-----BEGIN PRIVATE KEY-----'
  ]) {
    watchfulLogger.info({ url: `/events?key=${secret}` }, 'a request was refused')
    expect(takeLeaks()).toEqual([expect.stringContaining('a request was refused')])
  }
  watchfulLogger.info({ location: 'redis://localhost:6379 tradpal_events' }, 'the event service listens')
  expect(takeLeaks()).toEqual([])
})

test('what fails inside is in the log with its stack, and not in the answer', async () => {
  const system = new EventSystem({ environment: await newLog('sqlite') })
  await system.initialize()
  const errors: { err?: Error }[] = []
  const logger = { ...silentLogger, error: (details: object) => errors.push(details) }
  const app = await buildApp({ system, logger })
  onTestFinished(async () => {
    await app.close()
    await system.close()
  })
  system.getPage = () => Promise.reject(new TypeError('the secret at /home/me/file.ts'))
  const { statusCode, body } = await app.inject({ url: '/events', remoteAddress: '127.0.0.1' })
  expect(statusCode).toBe(500)
  expect(JSON.parse(body)).toMatchObject({
    code: 'http_error',
    detail: 'The service failed to answer; its log says why.'
  })
  expect(body).not.toMatch(/secret|file\.ts|at /)
  expect(errors[0]?.err?.stack).toMatch(/the secret/)
})
