import { createHmac, KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { newSigningKey, part, resigned, type SigningKey, TokenIssuer } from './support/token-issuer.ts'
import { issuerAndService, type TokenService, tokenService } from './support/token-service.ts'

const ALL_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const

let rsa: SigningKey
let stranger: SigningKey
beforeAll(async () => {
  rsa = await newSigningKey('RS256')
  stranger = await newSigningKey()
})

let issuer: TokenIssuer
let service: TokenService
beforeEach(async () => {
  ;({ issuer, service } = await issuerAndService({}, { key: rsa }))
})

const unauthenticated = (detail: RegExp) => ({
  status: 401,
  body: expect.objectContaining({ code: 'unauthenticated', detail: expect.stringMatching(detail) })
})

test.each(ALL_ALGORITHMS)('a token of the issuer is taken: %s', async (alg) => {
  const key = await newSigningKey(alg)
  issuer.published.push(key.publicJwk)
  await service.clock.advance(5_000)

  expect(await service.nameOf(await service.token(key))).toBe('ml_service')
})

test('who shows no token is refused, and told how', async () => {
  const { status, headers } = await fetch(`${service.url}/events`)

  expect(status).toBe(401)
  expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
})

describe('algorithms', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', 'none ', ''])('"%s" is refused, signed or not', async (alg) => {
    const unsigned = `${part({ alg, typ: 'JWT' })}.${part(service.claims())}`
    const genuine = await service.token(rsa)

    for (const signature of ['', 'AA', genuine.split('.')[2]]) {
      expect((await service.ask(`${unsigned}.${signature}`)).status).toBe(401)
    }
  })

  test.each(['the JWKS', 'a PEM file'])('the public key of RS256 is no secret of HS256, with %s', async (from) => {
    const pem = KeyObject.from(await importable(rsa))
      .export({ type: 'spki', format: 'pem' })
      .toString()
    const file = join(await newFolder(), 'key.pem')
    await writeFile(file, pem)
    const { ask, claims, token } = from === 'the JWKS' ? service : await tokenService({ EVENT_JWT_KEY_FILE: file })
    const secrets = [pem, pem.trim(), JSON.stringify(rsa.publicJwk), rsa.publicJwk.n ?? '']

    for (const secret of secrets) {
      const input = `${part({ alg: 'HS256', typ: 'JWT', kid: rsa.kid })}.${part(claims())}`
      const forged = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
      expect(await ask(forged)).toMatchObject(unauthenticated(/not signed with RS256/))
    }
    expect((await ask(await token(rsa))).status).toBe(200)
  })

  test('one that is not named is refused, though the issuer has a key for it', async () => {
    const { service: strict } = await issuerAndService({ EVENT_JWT_ALGORITHMS: 'ES256' }, { key: rsa })

    expect(await strict.ask(await strict.token(rsa))).toMatchObject(unauthenticated(/not signed with ES256/))
  })
})

describe('the header leads nowhere', () => {
  test.each([
    '../../../../dev/null',
    '/etc/passwd',
    'http://127.0.0.1:1/key',
    "' OR 1=1 --",
    '__proto__',
    'constructor'
  ])('a kid "%s" is a name that nobody has', async (kid) => {
    const forged = await service.token(stranger, {}, { kid })
    const secret = new Uint8Array(32)
    const withNothing = await new SignJWT(service.claims()).setProtectedHeader({ alg: 'HS256', kid }).sign(secret)

    expect(await service.ask(forged)).toMatchObject(unauthenticated(/a key that its issuer does not have/))
    expect((await service.ask(withNothing)).status).toBe(401)
    expect(new Set(issuer.requests)).toEqual(new Set(['/keys']))
  })

  test('jku, x5u, x5c and jwk are not looked at', async () => {
    const other = await TokenIssuer.start(stranger)
    const leads = [
      { jku: other.jwksUrl },
      { x5u: other.jwksUrl },
      { jwk: stranger.publicJwk },
      { x5c: ['AAAA'] },
      { jku: other.jwksUrl, jwk: stranger.publicJwk, kid: rsa.kid, alg: 'ES256' }
    ]

    for (const header of leads) {
      expect((await service.ask(await service.token(stranger, {}, header))).status).toBe(401)
      if (!('alg' in header)) expect((await service.ask(await service.token(rsa, {}, header))).status).toBe(200)
    }
    expect(other.requests).toEqual([])
  })

  test.each([[['exp']], [['x']], [[]], ['b64'], [['b64']]])('a crit of %j is refused', async (crit) => {
    const token = await service.token(rsa)

    expect((await service.ask(await resigned(token, rsa, { crit, x: 1, exp: 1 }))).status).toBe(401)
  })

  test.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 7])('a token of the type %s is no credential', async (typ) => {
    expect(await service.ask(await resigned(await service.token(rsa, {}, { typ: 'JWT' }), rsa, { typ }))).toMatchObject(
      unauthenticated(/another purpose/)
    )
  })

  test.each(['JWT', 'at+jwt', 'application/at+jwt', 'AT+JWT', undefined])('one of the type %s is', async (typ) => {
    expect((await service.ask(await resigned(await service.token(rsa), rsa, { typ }))).status).toBe(200)
  })
})

describe('what is no token of the issuer', () => {
  test('one that somebody else signed is refused, under the name of the key of the issuer too', async () => {
    const other = await newSigningKey('RS256')

    expect((await service.ask(await service.token(other))).status).toBe(401)
    expect(await service.ask(await service.token(other, {}, { kid: rsa.kid }))).toMatchObject(
      unauthenticated(/signature is wrong/)
    )
  })

  test('a signature that is cut, flipped at any bit of its last byte, padded or of another token is refused', async () => {
    const token = await service.token(rsa)
    const [header, claims, signature = ''] = token.split('.')
    const others = (await service.token(rsa, { sub: 'other' })).split('.')[2] ?? ''
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const lastDigit = [...digits]
      .filter((digit) => digit !== signature.at(-1))
      .map((digit) => signature.slice(0, -1) + digit)
    const wrong = [
      signature.slice(0, -1),
      signature.slice(0, 40),
      `${signature}=`,
      `${signature}==`,
      `${signature}A`,
      others
    ]

    for (const one of [...wrong, ...lastDigit]) {
      expect((await service.ask(`${header}.${claims}.${one}`)).status, one).toBe(401)
    }
    expect((await service.ask(token)).status).toBe(200)
  })

  test('a huge one is refused before anything is done with it', async () => {
    const token = await service.token(rsa, { kid: 'x', padding: 'x'.repeat(6_500) }, { kid: 'not-known' })

    expect(token.length).toBeGreaterThan(8_192)
    expect(await service.ask(token)).toMatchObject(unauthenticated(/characters; it may have 8192/))
    expect((await service.ask('a.'.repeat(20_000))).status).toBe(431)
  })

  test('whatever is changed in one, it lets nobody in, and nothing fails', async () => {
    const token = await service.token(rsa)
    const parts = token.split('.')
    const character = fc.constantFrom(...'ABCxyz019-_.=+/%~{}":')
    const at = fc.nat(token.length - 1)
    const json = fc.json({ maxDepth: 3 })
    const mangled = fc.oneof(
      fc.tuple(at, character).map(([i, one]) => token.slice(0, i) + one + token.slice(i + 1)),
      fc.tuple(at, character).map(([i, one]) => token.slice(0, i) + one + token.slice(i)),
      at.map((i) => token.slice(0, i)),
      at.map((i) => token.slice(0, i) + token.slice(i + 1)),
      fc.shuffledSubarray(parts, { maxLength: 3 }).map((some) => some.join('.')),
      json.map((header) => [part(header), parts[1], parts[2]].join('.')),
      json.map((claims) => [parts[0], part(claims), parts[2]].join('.')),
      fc
        .record({
          alg: fc.oneof(fc.constantFrom('none', 'HS256', 'RS256', 'ES256'), fc.jsonValue()),
          kid: fc.jsonValue()
        })
        .map((header) => [part(header), parts[1], parts[2]].join('.')),
      fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => [parts[0], parts[1], Buffer.from(bytes).toString('base64url')].join('.'))
    )

    await fc.assert(
      fc.asyncProperty(
        mangled.filter((text) => text !== token && text !== ''),
        async (text) => {
          expect((await service.ask(text)).status).toBe(401)
        }
      ),
      { numRuns: 500 }
    )
  })
})

async function importable({ publicJwk, alg }: SigningKey) {
  return crypto.subtle.importKey('jwk', publicJwk, { name: 'RSASSA-PKCS1-v1_5', hash: `SHA-${alg.slice(2)}` }, true, [
    'verify'
  ])
}
