import type { ServerResponse } from 'node:http'
import { silentLogger } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { get } from './support/test-service.ts'
import { newSigningKey, OUT_OF_ORDER, type SigningKey, TokenIssuer } from './support/token-issuer.ts'
import { issuerAndService, type TokenService, tokenService } from './support/token-service.ts'

const MINUTE = 60_000

const unavailable = {
  status: 503,
  body: expect.objectContaining({ code: 'issuer_unavailable', detail: expect.stringMatching(/which keys it has/) })
}

/** Waits until it was asked for its keys so often, all in all, and the answer was read. */
async function asked(issuer: TokenIssuer, service: TokenService, times: number): Promise<void> {
  await waitFor(() => issuer.requests.length >= times, { what: `${times} requests for the keys` })
  // Its own answer is behind that of the keys, in the same process.
  await get(`${service.url}/health`)
}

describe('an issuer that is down', () => {
  test('at the start of the service does not stop it; its tokens are answered 503 until it is there, and then taken', async () => {
    const issuer = await TokenIssuer.start()
    issuer.answer = OUT_OF_ORDER
    const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl })
    const token = await service.token(issuer.key)

    const answer = await service.ask(token)
    expect(answer).toMatchObject(unavailable)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect((await get(`${service.url}/health`)).status).toBe(200)

    issuer.answer = (await TokenIssuer.start(issuer.key)).answer
    await service.clock.advance(5_000)
    await waitFor(async () => (await service.ask(token)).status === 200)
  })

  test('later leaves its known keys for an hour, and asks who shows another key to come again', async () => {
    const { issuer, service } = await issuerAndService()
    expect((await service.ask(await service.token(issuer.key))).status).toBe(200)
    const answer = issuer.answer
    issuer.answer = OUT_OF_ORDER
    const unknown = await newSigningKey()

    await service.clock.advance(5_000)
    expect(await service.ask(await service.token(unknown))).toMatchObject(unavailable)
    await service.clock.advance(60 * MINUTE - 5_000)
    expect((await service.ask(await service.token(issuer.key))).status).toBe(200)
    await service.clock.advance(1)
    expect(await service.ask(await service.token(issuer.key, { jti: 'not remembered' }))).toMatchObject(unavailable)

    issuer.answer = answer
    await service.clock.advance(5_000)
    expect((await service.ask(await service.token(issuer.key))).status).toBe(200)
  })

  test('is told to the logger once a minute, and is not asked more than every 5 s, whoever calls', async () => {
    const issuer = await TokenIssuer.start()
    issuer.answer = OUT_OF_ORDER
    const lines: string[] = []
    const logger = { ...silentLogger, warn: (_: object, line: string) => void lines.push(line) }
    const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl }, { logger })
    const tokens = await Promise.all(
      Array.from({ length: 20 }, () => newSigningKey().then((key) => service.token(key)))
    )

    for (const token of tokens) expect(await service.ask(token)).toMatchObject(unavailable)
    expect(issuer.requests).toHaveLength(1)
    await service.clock.advance(5_000)
    await asked(issuer, service, 2)
    await Promise.all(tokens.map((token) => service.ask(token)))
    expect(issuer.requests).toHaveLength(2)
    expect(lines.filter((line) => line.includes('cannot be had'))).toHaveLength(1)
  })
})

describe('an issuer that answers wrong', () => {
  const keysOf = (key: SigningKey) => JSON.stringify({ keys: [key.publicJwk] })
  const wrong: [what: string, answer: (response: ServerResponse, key: SigningKey) => void][] = [
    ['no JSON', (response) => response.end('<html>')],
    ['nothing', (response) => response.end()],
    ['half of it', (response, key) => response.end(keysOf(key).slice(0, -9))],
    ['no set of keys', (response, key) => response.end(JSON.stringify(key.publicJwk))],
    ['a set of what are no keys', (response) => response.end('{"keys":[1,null]}')],
    ['the keys, and 404', (response, key) => response.writeHead(404).end(keysOf(key))],
    [
      'and breaks off',
      (response) => response.writeHead(200, { 'content-length': 999 }).write('{', () => response.destroy())
    ]
  ]
  test.each(wrong)('%s: 503, and the service goes on', async (_, answer) => {
    const issuer = await TokenIssuer.start()
    issuer.answer = (response) => answer(response, issuer.key)
    const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl })

    expect(await service.ask(await service.token(issuer.key))).toMatchObject(unavailable)
    expect((await get(`${service.url}/health`)).status).toBe(200)
  })

  test('an answer without an end is cut off at 1 MiB', async () => {
    const issuer = await TokenIssuer.start()
    let sent = 0
    const closed = Promise.withResolvers<void>()
    issuer.answer = (response) => {
      response.on('close', closed.resolve)
      const more = () => {
        sent += 65_536
        if (!response.destroyed) response.write(' '.repeat(65_536), () => setImmediate(more))
      }
      more()
    }
    const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl })

    expect(await service.ask(await service.token(issuer.key))).toMatchObject(unavailable)
    await closed.promise
    expect(sent).toBeGreaterThan(1_048_576)
    // What lies in the buffers of the connection was sent too.
    expect(sent).toBeLessThan(32 * 1_048_576)
  })

  test('elsewhere is not where the service goes', async () => {
    const [issuer, elsewhere] = [await TokenIssuer.start(), await TokenIssuer.start()]
    issuer.answer = (response) => response.writeHead(302, { location: elsewhere.jwksUrl }).end()
    const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl })

    expect(await service.ask(await service.token(elsewhere.key))).toMatchObject(unavailable)
    expect(elsewhere.requests).toEqual([])
  })

  test('not at all: 503 within 3 s for who shows a key that is not known, and at once 200 for the others', async () => {
    const { issuer, service } = await issuerAndService()
    const known = await service.token(issuer.key)
    expect((await service.ask(known)).status).toBe(200)
    issuer.answer = () => undefined
    await service.clock.advance(5_000)

    const late = service.ask(await service.token(await newSigningKey()))
    await waitFor(() => issuer.requests.length === 2)
    let isAnswered = false
    void late.finally(() => {
      isAnswered = true
    })
    expect((await service.ask(await service.token(issuer.key, { jti: 'new' }))).status).toBe(200)
    expect(isAnswered).toBe(false)
    expect(await late).toMatchObject(unavailable)
  })
})

describe('keys that come and go', () => {
  test('a new key is found when its first token comes, while requests run, and nobody is refused', async () => {
    const { issuer, service } = await issuerAndService()
    const old = issuer.key
    const statuses: number[] = []
    let running = true
    const callers = Array.from({ length: 8 }, async () => {
      for (let i = 0; running; i++) {
        const key = i % 2 === 0 ? old : issuer.key
        statuses.push((await service.ask(await service.token(key, { jti: String(i) }))).status)
      }
    })
    await waitFor(() => statuses.length > 20)
    await service.clock.advance(5_000)

    const next = await newSigningKey()
    issuer.published = [old.publicJwk, next.publicJwk]
    issuer.key = next
    const before = statuses.length
    await waitFor(() => statuses.length > before + 60)
    running = false
    await Promise.all(callers)

    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect(issuer.requests).toHaveLength(2)
  })

  test('a key that is withdrawn ends within 5 minutes, also for tokens that were verified by it', async () => {
    const { issuer, service } = await issuerAndService()
    const token = await service.token(issuer.key, { exp: service.clock.now() / 1_000 + 3_600 })
    expect((await service.ask(token)).status).toBe(200)
    await issuer.rotate()

    // Remembered half a minute before the keys are asked for, and so for longer than until then.
    await service.clock.advance(4.5 * MINUTE)
    expect((await service.ask(token)).status).toBe(200)
    await service.clock.advance(0.5 * MINUTE)
    await waitFor(async () => (await service.ask(token)).status === 401)
    expect((await service.ask(await service.token(issuer.key))).status).toBe(200)
  })

  test('many who come at once with a key that is not known make one request', async () => {
    const { issuer, service } = await issuerAndService()
    await asked(issuer, service, 1)
    await service.clock.advance(5_000)
    await issuer.rotate()
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, i) => service.token(issuer.key, { jti: String(i) }))
    )

    const answers = await Promise.all(tokens.map((token) => service.ask(token)))

    expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200))
    expect(issuer.requests).toHaveLength(2)
  })

  test('of 1,000 keys each is found, and a token that names none is refused', async () => {
    const issuer = await TokenIssuer.start()
    const keys = await Promise.all(Array.from({ length: 1_000 }, () => newSigningKey()))
    issuer.published = keys.map(({ publicJwk }) => publicJwk)
    const service = await tokenService({ EVENT_JWT_JWKS_URL: issuer.jwksUrl })

    for (const key of [keys[0], keys[499], keys[999]]) {
      if (key !== undefined) expect((await service.ask(await service.token(key))).status).toBe(200)
    }
    expect(await service.ask(await service.token(keys[0] ?? issuer.key, {}, { kid: undefined }))).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated', detail: expect.stringMatching(/does not say by which key/) }
    })
  })

  test('a secret among the keys is no key, and one that is broken is the fault of the issuer', async () => {
    const { issuer, service } = await issuerAndService()
    const secret = { kty: 'oct', kid: 'secret', k: Buffer.alloc(32).toString('base64url') }
    const broken = { ...issuer.key.publicJwk, kid: 'broken', x: 'AAAA' }
    issuer.published.push(secret, broken)
    await asked(issuer, service, 1)
    await service.clock.advance(5_000)

    const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'secret' })).toString('base64url')
    expect((await service.ask(`${header}.e30.AAAA`)).status).toBe(401)
    expect(await service.ask(await service.token(issuer.key, {}, { kid: 'broken' }))).toMatchObject({ status: 503 })
    expect((await service.ask(await service.token(issuer.key))).status).toBe(200)
  })
})
