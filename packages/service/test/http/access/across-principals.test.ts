import { createEvent, type EventSystem } from '@tradpal/event-system'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bury } from '../../../../../test/support/bury.ts'
import { get, serviceOver, signal } from '../support/test-service.ts'
import { endpointsOf } from './endpoints.ts'
import {
  AMENDING_SCOPES,
  apiKeyStrategy,
  type Caller,
  certificateStrategy,
  STREAM_KEY_SCOPES,
  tokenStrategy
} from './strategies.ts'

/** On a busy machine it sheds no load: what is answered here is who may do what. */
const ASKING = { EVENT_AUTH: 'required', EVENT_MAX_EVENT_LOOP_DELAY_MS: '60000' }

describe.each([
  ['API keys', apiKeyStrategy],
  ['tokens', tokenStrategy],
  ['client certificates', certificateStrategy]
])('with %s', (_, openStrategy) => {
  async function opened() {
    const strategy = await openStrategy()
    const service = await serviceOver('sqlite', { ...ASKING, ...strategy.environment })
    onTestFinished(() => service.close())
    const { url } = await serviceOver()
    const endpoints = endpointsOf((await get(`${url}/openapi.json`)).body)
    return { service, endpoints, credentials: await strategy.credentials(service) }
  }

  test('every endpoint that takes a stream key takes it only from a principal that has its prefix', {
    timeout: 60_000
  }, async () => {
    const { endpoints, credentials } = await opened()
    const publishing = endpoints.filter(({ method, query }) => method === 'POST' && query.includes('stream_key'))
    expect(publishing.map(({ path }) => path).sort()).toEqual(['/events', '/events/batch'])
    const callers: Caller[] = []
    for (const scopes of STREAM_KEY_SCOPES) callers.push(await credentials.may(...scopes))
    const [nothing, star] = callers as [Caller, Caller]
    for (const { method, path, takesList } of publishing) {
      const { source: _, ...event } = signal()
      const body = takesList ? [event] : event
      const send = async (caller: Caller, query: string) => caller({ method, path: `${path}?${query}`, body })
      for (const query of ['stream_key=x-1', 'stream_key=x-1&expected_version=0', 'stream_key=x-']) {
        const asked = { path, query }
        const statuses = await Promise.all(callers.map((caller) => send(caller, query)))
        const isLetIn = statuses.map((status) => status !== 403)
        expect({ ...asked, isLetIn }).toEqual({ ...asked, isLetIn: [false, true, true, true, false] })
        expect(statuses.every((status) => [200, 403, 409].includes(status))).toBe(true)
      }
      expect(await send(star, 'stream_key=x')).toBe(403)
      expect(await send(nothing, '')).toBe(200)
    }
  })

  test('every endpoint that gives a dead letter other data takes them only from who may publish the type as its source', {
    timeout: 60_000
  }, async () => {
    const { service, endpoints, credentials } = await opened()
    const amending = endpoints.filter(
      ({ path, members }) => path.startsWith('/dead-letters') && members.includes('data')
    )
    expect(amending.map(({ path }) => path)).toEqual(['/dead-letters/x/requeue'])
    const [publisher, ofAnotherType] = AMENDING_SCOPES
    const reader = ['admin:dead-letters', 'read:*'] as const
    const data = { symbol: 'AAPL', signal: 'SELL' }
    const rows = [
      { scopes: publisher, owned: true, sent: { data }, status: 200 },
      { scopes: publisher, owned: false, sent: { data }, status: 403 },
      { scopes: ofAnotherType, owned: true, sent: { data }, status: 403 },
      { scopes: reader, owned: true, sent: { data }, status: 403 },
      { scopes: reader, owned: false, sent: {}, status: 200 },
      { scopes: ofAnotherType, owned: true, sent: {}, status: 200 }
    ]
    for (const { path, method } of amending) {
      for (const { scopes, owned, sent, status } of rows) {
        const source = owned ? credentials.nameOf(...scopes) : 'somebody_else'
        const id = await letterFrom(service.system, source)
        const caller = await credentials.may(...scopes)
        const row = { path, scopes, owned, sent }
        const answer = await caller({
          method,
          path: path.replace('/x/', `/${encodeURIComponent(id)}/`),
          body: sent
        })
        expect({ ...row, status: answer }).toEqual({ ...row, status })
        expect(await service.system.deadLetters.count()).toBe(status === 200 ? 0 : 1)
        if (status !== 200) await service.system.deadLetters.discard(id, { by: 'a test', reason: 'done' })
      }
    }
  })
})

/** A dead letter whose event comes from there. */
async function letterFrom(system: EventSystem, source: string): Promise<string> {
  await system.publishEvent(createEvent('trading_signal', { symbol: 'AAPL', signal: 'BUY' }, { source }))
  const [letter] = await bury(system, 'brokers')
  return letter?.id ?? ''
}
