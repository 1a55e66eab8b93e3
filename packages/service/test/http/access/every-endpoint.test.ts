import { describe, expect, onTestFinished, test } from 'vitest'
import { serviceOver } from '../support/test-service.ts'
import { type Endpoint, endpointsOf, scopeFor, statusOf } from './endpoints.ts'
import { apiKeyStrategy, type Credentials, type Headers } from './strategies.ts'

describe.each([['API keys', apiKeyStrategy]])('with %s', (_, openStrategy) => {
  test('every endpoint lets in whom its rule lets in, and nobody else', async () => {
    const strategy = await openStrategy()
    const service = await serviceOver('sqlite', { ...ASKING, ...strategy.environment })
    onTestFinished(() => service.close())
    const { url } = service
    const credentials = await strategy.credentials(service)
    const endpoints = await endpointsOf(url, await credentials.may('stats'))
    expect(endpoints.length).toBeGreaterThan(35)
    expect(endpoints.filter(({ security }) => security === undefined)).toEqual([])

    for (const endpoint of endpoints) {
      const answers = await answersOf(url, endpoint, credentials)
      expect({ ...endpoint, ...answers }).toEqual({ ...endpoint, ...expectedOf(endpoint) })
    }
  })
})

async function answersOf(url: string, endpoint: Endpoint, { may, wrong, expired, revoked }: Credentials) {
  const as = async (headers: Headers) => verdictOf(await statusOf(url, endpoint, headers))
  return {
    none: await as({}),
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

/** It takes any number of wrong credentials from one address: that is bounded otherwise. */
const ASKING = { EVENT_AUTH: 'required', EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0' }

/** Whoever is let in may still have asked for what is not there, or sent what is wrong. */
function verdictOf(status: number): number | 'in' {
  return [401, 403, 429].includes(status) || status >= 500 ? status : 'in'
}
