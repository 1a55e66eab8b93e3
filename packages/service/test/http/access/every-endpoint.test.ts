import { describe, expect, onTestFinished, test } from 'vitest'
import { get, serviceOver } from '../support/test-service.ts'
import { type Endpoint, endpointsOf, scopeFor } from './endpoints.ts'
import { apiKeyStrategy, type Caller, type Credentials, certificateStrategy, tokenStrategy } from './strategies.ts'

/** It takes any number of wrong credentials from one address: that is bounded otherwise. */
const ASKING = { EVENT_AUTH: 'required', EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0' }

describe.each([
  ['API keys', apiKeyStrategy],
  ['tokens', tokenStrategy],
  ['client certificates', certificateStrategy]
])('with %s', (_, openStrategy) => {
  test('every endpoint lets in whom its rule lets in, and nobody else', { timeout: 60_000 }, async () => {
    const endpoints = await everyEndpoint()
    const strategy = await openStrategy()
    const service = await serviceOver('sqlite', { ...ASKING, ...strategy.environment })
    onTestFinished(() => service.close())
    const credentials = await strategy.credentials(service)
    for (const endpoint of endpoints) {
      const answers = await answersOf(endpoint, credentials)
      expect({ ...endpoint, ...answers }).toEqual({ ...endpoint, ...expectedOf(endpoint) })
    }
  })
})

test('every endpoint says who may call it', async () => {
  const endpoints = await everyEndpoint()
  expect(endpoints.length).toBeGreaterThan(38)
  expect(endpoints.filter(({ security }) => security === undefined)).toEqual([])
})

/** As a service describes them that asks nobody. */
async function everyEndpoint(): Promise<Endpoint[]> {
  const { url } = await serviceOver()
  return endpointsOf((await get(`${url}/openapi.json`)).body)
}

async function answersOf(endpoint: Endpoint, { may, none, wrong, expired, revoked }: Credentials) {
  const as = async (caller: Caller) => verdictOf(await caller(endpoint))
  return {
    none: await as(none),
    wrong: await as(wrong),
    expired: await as(expired),
    revoked: await as(revoked),
    wrongScope: await as(await may('consume:another-group')),
    right: await as(await may(scopeFor(endpoint), 'read:*'))
  }
}

function expectedOf({ security, scope }: Endpoint) {
  if (security?.length === 0) {
    return { none: 'in', wrong: 'in', expired: 'in', revoked: 'in', wrongScope: 'in', right: 'in' }
  }
  const refused = { none: 401, wrong: 401, expired: 401, revoked: 401 }
  return { ...refused, wrongScope: scope === undefined ? 'in' : 403, right: 'in' }
}

/** Whoever is let in may still have asked for what is not there, or sent what is wrong. */
function verdictOf(status: number): number | 'in' {
  return [401, 403, 429].includes(status) || status >= 500 ? status : 'in'
}
