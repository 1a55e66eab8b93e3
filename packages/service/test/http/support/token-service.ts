import type { AddressInfo } from 'node:net'
import { EventSystem, type Logger, silentLogger } from '@tradpal/event-system'
import { FakeClock } from '@tradpal/event-system/testing'
import { readServiceConfiguration } from '../../../src/configuration.ts'
import { buildApp } from '../../../src/http/app.ts'
import { type Answer, type AtEnd, get, newLog, post, withTheTest } from './test-service.ts'
import { type SigningKey, signed, TokenIssuer } from './token-issuer.ts'

export const ISSUER = 'https://login.example'
export const AUDIENCE = 'tradpal-events'

/** A service that takes tokens, on a clock that the test moves. */
export interface TokenService {
  readonly url: string
  readonly clock: FakeClock
  /** The claims of a token that is as it should be, and may do everything, with others instead or beside. */
  claims(more?: object): Record<string, unknown>
  /** A token of these claims. */
  token(key: SigningKey, more?: object, header?: object): Promise<string>
  /** What it answers who shows a token: 200 to a principal. */
  ask(token: string): Promise<Answer>
  /** As whom it takes who shows a token. */
  nameOf(token: string): Promise<string>
}

export async function tokenService(
  environment: Record<string, string>,
  { logger = silentLogger, atEnd = withTheTest }: { logger?: Logger; atEnd?: AtEnd } = {}
): Promise<TokenService> {
  const clock = new FakeClock()
  const system = new EventSystem({ environment: await newLog('sqlite', atEnd), logger: silentLogger })
  await system.initialize()
  atEnd(() => system.close())
  const configuration = readServiceConfiguration({
    EVENT_JWT_ISSUER: ISSUER,
    EVENT_JWT_AUDIENCE: AUDIENCE,
    // Tests show wrong ones by the hundred: how many may come is bounded elsewhere.
    EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0',
    ...environment
  })
  const app = await buildApp({ system, configuration, clock, logger })
  atEnd(async () => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const authorization = (token: string) => ({ authorization: `Bearer ${token}` })
  const claims = (more: object = {}) => {
    const now = Math.floor(clock.now() / 1_000)
    return { iss: ISSUER, aud: AUDIENCE, sub: 'ml_service', scope: '*', iat: now, exp: now + 300, ...more }
  }
  return {
    url,
    clock,
    claims,
    token: (key, more, header) => signed(key, claims(more), header),
    ask: (token) => get(`${url}/events?limit=1`, { headers: authorization(token) }),
    async nameOf(token) {
      const event = { event_type: 'trading_signal', data: { symbol: 'BTC', signal: 'BUY' } }
      const { body } = await post(`${url}/events`, event, authorization(token))
      return (await get(`${url}/events/${body.message_id}`, { headers: authorization(token) })).body.source
    }
  }
}

/** An issuer of its own, and a service that takes its tokens. */
export async function issuerAndService(
  environment: Record<string, string> = {},
  options: { key?: SigningKey; logger?: Logger; atEnd?: AtEnd } = {}
): Promise<{ issuer: TokenIssuer; service: TokenService }> {
  const issuer = await TokenIssuer.start(options.key, undefined, options.atEnd)
  const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl, ...environment }, options)
  return { issuer, service }
}
