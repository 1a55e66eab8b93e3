import { Documents, EventSystemError, systemClock } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { expect, test } from 'vitest'
import { FailedAttempts } from '../../src/access/failed-attempts.ts'
import { get, serviceOver } from '../http/support/test-service.ts'
import { keyOf } from './support/who.ts'

const wrongKey = (i: number) => `tradpal_aaaaaaaaaaaa_${String(i).padStart(43, 'x')}`
const ask = (url: string, key: string, path = '/events/types') =>
  get(`${url}${path}`, { headers: { 'x-api-key': key } })

test('after so many wrong credentials an address is refused with 429 before anything is looked up', async () => {
  const environment = { EVENT_AUTH: 'required', EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '5' }
  const service = await serviceOver('sqlite', environment)
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await ask(service.url, wrongKey(i))).status)
  let lookUps = 0
  const { collections } = service.system.storage
  const { revision } = collections
  collections.revision = (...args) => {
    lookUps++
    return revision.apply(collections, args)
  }

  const refused = await ask(service.url, wrongKey(6))

  expect(statuses).toEqual([401, 401, 401, 401, 401])
  expect(refused).toMatchObject({
    status: 429,
    body: {
      code: 'rate_limited',
      detail: expect.stringMatching(/^Too many wrong credentials came from your address \(127/)
    }
  })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30)
  expect(lookUps).toBe(0)
  expect((await ask(service.url, wrongKey(7), '/health')).status, 'probes are answered').toBe(200)
  expect((await get(`${service.url}/events/types`)).status, 'none shown is no guess').toBe(401)
})

test('a key that was right before is let in from an address that guesses; one that is new there waits; a revoked one is out', async () => {
  const environment = { EVENT_AUTH: 'required', EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '3' }
  const service = await serviceOver('sqlite', environment)
  const [known, unknown] = [await keyOf(service, 'known'), await keyOf(service, 'unknown')]
  expect((await ask(service.url, known)).status).toBe(200)
  for (let i = 0; i < 3; i++) await ask(service.url, wrongKey(i))

  expect((await ask(service.url, unknown)).status).toBe(429)
  expect((await ask(service.url, known)).status).toBe(200)
  const id = known.split('_')[1] ?? ''
  await new ApiKeys(new Documents(service.system.storage), systemClock).revoke(id)
  expect((await ask(service.url, known)).status, 'it is looked at, and wrong').toBe(401)
  expect((await ask(service.url, known)).status, 'it is a guess like any other now').toBe(429)
})

test('0 is no limit', async () => {
  const environment = { EVENT_AUTH: 'required', EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0' }
  const { url } = await serviceOver('sqlite', environment)
  for (let i = 0; i < 30; i++) expect((await ask(url, wrongKey(i))).status).toBe(401)
})

function failedAttempts(options: { perMinute: number; mostAddresses?: number }) {
  let refused = 0
  const attempts = new FailedAttempts({ ...options, onRefused: () => refused++ })
  const guess = (address: string, text = 'a guess') =>
    attempts
      .look(address, text, () => Promise.reject(new EventSystemError('unauthenticated', 'No.')))
      .catch(({ code }) => code)
  return { attempts, guess, refused: () => refused }
}

test('of IPv6 the first 64 bits are one address, however they are written, and IPv4 is the same in IPv6', async () => {
  const { guess, refused } = failedAttempts({ perMinute: 2 })
  await guess('2001:db8:1:2::1')
  await guess('2001:db8:1:2:ffff:ffff:ffff:ffff')
  expect(await guess('2001:0db8:0001:0002::77')).toBe('rate_limited')
  expect(await guess('2001:db8:1:3::1')).toBe('unauthenticated')
  await guess('::ffff:10.0.0.1')
  await guess('10.0.0.1')
  expect(await guess('10.0.0.1')).toBe('rate_limited')
  expect(await guess('10.0.0.2')).toBe('unauthenticated')
  expect(refused()).toBe(2)
})

test('beyond so many addresses all further ones count as one, and who is known is told apart all the same', async () => {
  const { guess } = failedAttempts({ perMinute: 2, mostAddresses: 3 })
  for (const i of [1, 2, 3]) await guess(`10.0.0.${i}`)
  await guess('10.0.1.1')
  await guess('10.0.1.2')
  expect(await guess('10.0.1.3')).toBe('rate_limited')
  expect(await guess('10.0.0.1')).toBe('unauthenticated')
})

test('only what is wrong counts: not a log that is away', async () => {
  const { attempts, guess } = failedAttempts({ perMinute: 1 })
  const away = () => Promise.reject(new EventSystemError('log_unavailable', 'Away.'))
  for (let i = 0; i < 3; i++)
    await expect(attempts.look('10.0.0.1', 'k', away)).rejects.toMatchObject({ code: 'log_unavailable' })
  expect(await guess('10.0.0.1')).toBe('unauthenticated')
})
