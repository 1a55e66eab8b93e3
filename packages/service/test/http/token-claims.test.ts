import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { madeForTheFile } from './support/test-service.ts'
import { newSigningKey, rawToken, type SigningKey } from './support/token-issuer.ts'
import { AUDIENCE, ISSUER, issuerAndService, type TokenService } from './support/token-service.ts'

/** One for all: no token changes it. */
const shared = madeForTheFile(async (atEnd) => {
  const key = await newSigningKey('RS256')
  return { key, ...(await issuerAndService({}, { key, atEnd })) }
})

let rsa: SigningKey
let service: TokenService
beforeAll(async () => {
  ;({ key: rsa, service } = await shared())
})

const unauthenticated = (detail: RegExp) => ({
  status: 401,
  body: expect.objectContaining({ code: 'unauthenticated', detail: expect.stringMatching(detail) })
})

describe('claims', () => {
  const refused: [what: string, claims: object, detail: RegExp][] = [
    [
      'another issuer',
      { iss: 'https://elsewhere.example' },
      /another issuer: its iss must be https:\/\/login\.example/
    ],
    ['an issuer with a slash more', { iss: `${ISSUER}/` }, /another issuer/],
    ['several issuers', { iss: [ISSUER] }, /another issuer/],
    ['no issuer', { iss: undefined }, /lacks the claim iss/],
    ['another audience', { aud: 'billing' }, /another service: its aud must be or have tradpal-events/],
    ['other audiences', { aud: ['billing', 'tradpal'] }, /another service/],
    ['no audience', { aud: undefined }, /lacks the claim aud/],
    ['an audience that begins like ours', { aud: `${AUDIENCE}-test` }, /another service/],
    ['an audience that is an object', { aud: { [AUDIENCE]: true } }, /another service/],
    ['no end', { exp: undefined }, /lacks the claim exp/],
    ['an end that is a text', { exp: '9999999999' }, /exp is wrong/],
    ['an end that is null', { exp: null }, /exp is wrong/],
    ['a beginning that is a text', { nbf: '0' }, /nbf is wrong/]
  ]
  test.each(refused)('%s is refused', async (_, claims, detail) => {
    expect(await service.ask(await service.token(rsa, claims))).toMatchObject(unauthenticated(detail))
  })

  test('an end that never comes is refused', async () => {
    const token = await rawToken(rsa, JSON.stringify(service.claims()).replace(/"exp":\d+/, '"exp":1e400'))

    expect(await service.ask(token)).toMatchObject(unauthenticated(/exp must be a time/))
  })

  test('a list of audiences with ours is taken', async () => {
    expect((await service.ask(await service.token(rsa, { aud: ['billing', AUDIENCE] }))).status).toBe(200)
  })

  test('what is said twice is refused, in the header and in the claims, at whatever depth', async () => {
    const claims = JSON.stringify(service.claims())
    const tokens = [
      await rawToken(rsa, claims.replace('{', '{"sub":"admin",')),
      await rawToken(rsa, claims.replace('{', '{"s\\u0075b":"admin",')),
      await rawToken(rsa, claims.replace('{', '{"a":[{"b":1,"b":2}],')),
      await rawToken(rsa, claims, `{"alg":"RS256","kid":"${rsa.kid}","kid":"${rsa.kid}"}`)
    ]

    for (const token of tokens) expect(await service.ask(token)).toMatchObject(unauthenticated(/something twice/))
    const notTwice = claims.replace('{', '{"note":"\\"sub\\": \\"a:b\\"","a":[{"sub":1},{"sub":2}],')
    expect((await service.ask(await rawToken(rsa, notTwice))).status).toBe(200)
  })

  test.each([
    '',
    'x'.repeat(201),
    'anonymous',
    'a\nb',
    'a\u0000',
    'a\u0085',
    'desk_*',
    '*',
    ' admin',
    'admin ',
    7,
    null,
    ['a'],
    {}
  ])('a principal %j is nobody', async (sub) => {
    expect(await service.ask(await service.token(rsa, { sub }))).toMatchObject(unauthenticated(/names nobody: its sub/))
  })

  test.each(['x', 'x'.repeat(200), 'auth0|5f7c', 'Zoë Ω', 'anonymous2'])('a principal %j is one', async (sub) => {
    expect(await service.nameOf(await service.token(rsa, { sub }))).toBe(sub)
  })

  test('no claim comes from a prototype, and none goes into one', async () => {
    const { service: odd } = await issuerAndService(
      { EVENT_JWT_PRINCIPAL_CLAIM: 'constructor.name', EVENT_JWT_SCOPES_CLAIM: 'toString' },
      { key: rsa }
    )
    const polluted = (claims: object) =>
      JSON.stringify(claims).replace(
        '{',
        '{"__proto__":{"sub":"admin","scope":"*","polluted":1},"constructor":{"prototype":{"polluted":1}},'
      )

    expect((await odd.ask(await odd.token(rsa))).status).toBe(401)
    const nameless = polluted(service.claims({ sub: undefined }))
    expect((await service.ask(await rawToken(rsa, nameless))).status).toBe(401)
    const powerless = polluted(service.claims({ scope: undefined }))
    expect((await service.ask(await rawToken(rsa, powerless))).status).toBe(403)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('time', () => {
  // The clock of the tests stands at a whole second; the skew is 30 s unless said.
  const edges: [what: string, claims: (now: number) => object, status: number][] = [
    ['ended 29 s ago', (now) => ({ iat: now - 99, exp: now - 29 }), 200],
    ['ended 30 s ago', (now) => ({ iat: now - 99, exp: now - 30 }), 401],
    ['ended long ago', (now) => ({ iat: now - 9_999, exp: now - 9_000 }), 401],
    ['begins in 30 s', (now) => ({ nbf: now + 30 }), 200],
    ['begins in 31 s', (now) => ({ nbf: now + 31 }), 401],
    ['was issued 30 s ahead', (now) => ({ iat: now + 30 }), 200],
    ['was issued 31 s ahead', (now) => ({ iat: now + 31 }), 401]
  ]
  test.each(edges)('a token that %s: %3$i', async (_, claims, status) => {
    const now = service.clock.now() / 1_000

    expect((await service.ask(await service.token(rsa, claims(now)))).status).toBe(status)
  })

  test('without a skew each second counts', async () => {
    const { service: exact } = await issuerAndService({ EVENT_JWT_CLOCK_SKEW_SECONDS: '0' }, { key: rsa })
    const now = exact.clock.now() / 1_000

    expect((await exact.ask(await exact.token(rsa, { exp: now + 1 }))).status).toBe(200)
    expect((await exact.ask(await exact.token(rsa, { exp: now }))).status).toBe(401)
    expect((await exact.ask(await exact.token(rsa, { nbf: now + 1 }))).status).toBe(401)
  })

  test('a token that is valid for longer than EVENT_JWT_MAX_AGE is refused, or that does not say since when', async () => {
    const { service: strict } = await issuerAndService({ EVENT_JWT_MAX_AGE: '10m' }, { key: rsa })
    const now = strict.clock.now() / 1_000

    expect((await strict.ask(await strict.token(rsa, { iat: now, exp: now + 600 }))).status).toBe(200)
    expect(await strict.ask(await strict.token(rsa, { iat: now, exp: now + 601 }))).toMatchObject(
      unauthenticated(/more than 600 s.*EVENT_JWT_MAX_AGE/)
    )
    expect(await strict.ask(await strict.token(rsa, { iat: undefined }))).toMatchObject(unauthenticated(/\(iat\)/))
  })
})

describe('scopes and roles', () => {
  const scoped: [what: string, scope: unknown, mayRead: boolean][] = [
    ['a text', 'openid profile read:* email', true],
    ['a list', ['openid', 'read:*', 7, null], true],
    ['none of ours', 'openid profile offline_access', false],
    ['others than it takes', 'publish:* stats', false],
    ['almost ours', ['read', 'read:', 'READ:*', 'read:* openid', 'read: *', 'read*:x'], false],
    ['an object', { 'read:*': true, 0: 'read:*', length: 1 }, false],
    ['a list in a list', [['read:*']], false],
    ['a number', 7, false],
    ['nothing', undefined, false]
  ]
  test.each(scoped)('a scope claim that is %s gives what it says', async (_, scope, mayRead) => {
    expect((await service.ask(await service.token(rsa, { scope }))).status).toBe(mayRead ? 200 : 403)
  })

  test('names and roles may stand deep in a token, and under names with dots', async () => {
    const policy = join(await newFolder(), 'policy.json')
    await writeFile(policy, JSON.stringify({ roles: { trader: ['read:*', 'publish:*'] } }))
    const { service: mapped } = await issuerAndService(
      {
        EVENT_POLICY_FILE: policy,
        EVENT_JWT_PRINCIPAL_CLAIM: 'https://tradpal.example/name',
        EVENT_JWT_ROLES_CLAIM: 'realm_access.roles',
        EVENT_JWT_SCOPES_CLAIM: 'resource_access.my.client.scopes'
      },
      { key: rsa }
    )
    const name = { 'https://tradpal.example/name': 'desk' }
    const token = (more: object) => mapped.token(rsa, { ...name, ...more })

    expect(await mapped.nameOf(await token({ realm_access: { roles: ['offline_access', 'trader'] } }))).toBe('desk')
    expect((await mapped.ask(await token({ realm_access: { roles: ['constructor', '__proto__'] } }))).status).toBe(403)
    expect((await mapped.ask(await token({ realm_access: 'trader', roles: ['trader'] }))).status).toBe(403)
    const deep = { resource_access: { 'my.client': { scopes: 'read:*' } } }
    expect((await mapped.ask(await token(deep))).status).toBe(200)
  })
})
