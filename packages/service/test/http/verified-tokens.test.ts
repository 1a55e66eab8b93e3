import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { newSigningKey } from './support/token-issuer.ts'
import { issuerAndService, tokenService } from './support/token-service.ts'

afterEach(() => vi.restoreAllMocks())

test('a token is verified once a minute, however often it comes', async () => {
  const { issuer, service } = await issuerAndService()
  const token = await service.token(issuer.key)
  const verify = vi.spyOn(crypto.subtle, 'verify')

  for (let i = 0; i < 5; i++) expect((await service.ask(token)).status).toBe(200)
  expect(verify).toHaveBeenCalledTimes(1)
  await service.clock.advance(60_000)
  expect((await service.ask(token)).status).toBe(200)
  expect(verify).toHaveBeenCalledTimes(2)
})

test('one that was verified ends when it expires, and the skew later', async () => {
  const { issuer, service } = await issuerAndService()
  const token = await service.token(issuer.key, { exp: service.clock.now() / 1_000 + 10 })
  expect((await service.ask(token)).status).toBe(200)

  await service.clock.advance(39_999)
  expect((await service.ask(token)).status).toBe(200)
  await service.clock.advance(1)
  expect(await service.ask(token)).toMatchObject({ status: 401, body: { detail: 'The token has expired.' } })
})

test('one that is refused is not remembered', async () => {
  const { issuer, service } = await issuerAndService()
  const token = await service.token(issuer.key, { nbf: service.clock.now() / 1_000 + 40 })

  expect((await service.ask(token)).status).toBe(401)
  await service.clock.advance(10_000)
  expect((await service.ask(token)).status).toBe(200)
})

test('another policy holds at once for a token that was verified', async () => {
  const file = join(await newFolder(), 'policy.json')
  const policy = (scopes: string[]) => writeFile(file, JSON.stringify({ roles: { trader: scopes } }))
  await policy(['read:*'])
  const { issuer, service } = await issuerAndService({ EVENT_POLICY_FILE: file })
  const token = await service.token(issuer.key, { scope: undefined, roles: ['trader'] })
  expect((await service.ask(token)).status).toBe(200)

  await policy(['stats'])

  await waitFor(async () => (await service.ask(token)).status === 403)
})

test('another key in the file ends the tokens of the one before, and a file that cannot be used changes nothing', async () => {
  const [one, other] = [await newSigningKey(), await newSigningKey()]
  const file = join(await newFolder(), 'keys.json')
  await writeFile(file, JSON.stringify({ keys: [one.publicJwk] }))
  const refusals: unknown[] = []
  const logger = { ...silentLogger, error: (_: object, line: string) => void refusals.push(line) }
  const service = await tokenService({ EVENT_JWT_KEY_FILE: file }, { logger })
  const tokens = [await service.token(one), await service.token(other)] as const
  const statuses = () => Promise.all(tokens.map(async (token) => (await service.ask(token)).status))
  expect(await statuses()).toEqual([200, 401])

  await writeFile(file, '{"keys":[]}')
  await waitFor(() => refusals.length > 0)
  expect(await statuses()).toEqual([200, 401])

  await writeFile(file, JSON.stringify(other.publicJwk))
  await waitFor(async () => (await statuses()).join() === '401,200')
})

test('a public key in PEM verifies whatever a token calls it', async () => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const file = join(await newFolder(), 'key.pem')
  await writeFile(file, await exportSPKI(publicKey))
  const { ask, claims } = await tokenService({ EVENT_JWT_KEY_FILE: file })
  const token = (header: object) =>
    new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(privateKey)

  expect((await ask(await token({}))).status).toBe(200)
  expect((await ask(await token({ kid: 'whatever' }))).status).toBe(200)
})

test('a secret in a file verifies tokens of HS256, without the line break at its end', async () => {
  const secret = 'p'.repeat(32)
  const file = join(await newFolder(), 'secret')
  await writeFile(file, `${secret}\n`, { mode: 0o600 })
  const { ask, claims } = await tokenService({ EVENT_JWT_KEY_FILE: file, EVENT_JWT_ALGORITHMS: 'HS256' })
  const token = (by: string, alg = 'HS256') =>
    new SignJWT(claims()).setProtectedHeader({ alg }).sign(new TextEncoder().encode(by))

  expect((await ask(await token(secret))).status).toBe(200)
  expect((await ask(await token('q'.repeat(32)))).status).toBe(401)
  expect((await ask(await token(secret.padEnd(64, 'p'), 'HS512'))).status).toBe(401)
})
