import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@tradpal/event-system'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { FileKeys } from './file-keys.ts'

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
let strong: { publicKey: KeyObject; privateKey: KeyObject }
let weak: { publicKey: KeyObject; privateKey: KeyObject }
beforeAll(() => {
  strong = rsa(2_048)
  weak = rsa(1_024)
})

const pem = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ type: 'spki', format: 'pem' }) as string
const jwk = (key: KeyObject) => key.export({ format: 'jwk' })

function keysOf(content: string, algorithms: readonly string[], mode = 0o600): FileKeys {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-keys-'))
  const path = join(folder, 'key')
  writeFileSync(path, content)
  chmodSync(path, mode)
  const keys = new FileKeys({ path, algorithms, logger: silentLogger, onChange: () => undefined })
  onTestFinished(() => {
    keys.close()
    rmSync(folder, { recursive: true })
  })
  return keys
}

test('a key is found for its algorithm alone', async () => {
  const keys = keysOf(pem(strong), ['RS256', 'ES256'])

  expect(await keys.find({ alg: 'RS256' })).toMatchObject({ type: 'public' })
  expect(await keys.find({ alg: 'ES256' })).toBeUndefined()
})

test('of a JWKS the key of that name is found, and others are passed over that are for something else', async () => {
  const named = [
    { ...jwk(ec.publicKey), kid: 'a' },
    { ...jwk(strong.publicKey), kid: 'b', use: 'sig' },
    { ...jwk(strong.publicKey), kid: 'c', use: 'enc' }
  ]
  const keys = keysOf(JSON.stringify({ keys: named }), ['RS256', 'ES256'])

  expect(await keys.find({ alg: 'ES256', kid: 'a' })).toMatchObject({ type: 'public' })
  expect(await keys.find({ alg: 'RS256', kid: 'b' })).toMatchObject({ type: 'public' })
  expect(await keys.find({ alg: 'RS256', kid: 'c' })).toBeUndefined()
  expect(await keys.find({ alg: 'RS256', kid: 'a' })).toBeUndefined()
})

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const
const refused: [what: string, content: () => string, algorithms: string[], message: RegExp, mode?: number][] = [
  ['a public key in PEM as a secret', () => pem(strong), ['HS256'], /PEM or JSON.*a public key is none/s],
  ['a JWK as a secret', () => JSON.stringify(jwk(strong.publicKey)), ['HS256'], /PEM or JSON/],
  ['a JWKS as a secret', () => JSON.stringify({ keys: [jwk(ec.publicKey)] }), ['HS512'], /PEM or JSON/],
  ['a secret of 31 bytes', () => `${'s'.repeat(31)}\n`, ['HS256'], /32 bytes or more.*has 31/],
  ['a secret shorter than the hash', () => 's'.repeat(63), ['HS256', 'HS512'], /64 bytes or more/],
  ['a secret that others may read', () => 's'.repeat(32), ['HS256'], /others than its owner.*chmod 600/, 0o640],
  ['a secret for public keys', () => '{"kty":"oct","k":"c3NzcwAAAAAA"}', ['RS256'], /a secret \(kty oct\)/],
  ['a private key in PEM', () => strong.privateKey.export(PKCS8) as string, ['RS256'], /has a private key/],
  ['a private JWK', () => JSON.stringify(jwk(ec.privateKey)), ['ES256'], /has a private key/],
  ['an RSA key of 1,024 bits', () => pem(weak), ['RS256'], /2048 bits or more, it has one of 1024/],
  ['a key that no algorithm takes', () => pem(ec), ['RS256', 'ES384'], /no key for RS256, ES384/],
  ['a set without keys', () => '{"keys":[]}', ['RS256'], /no key for RS256/],
  ['a set of what are no keys', () => '{"keys":[1]}', ['RS256'], /must have a public key in PEM/],
  ['an empty file', () => '', ['RS256'], /must have a public key in PEM/],
  ['a key that is broken', () => JSON.stringify({ ...jwk(ec.publicKey), x: 'AAAA' }), ['ES256'], /cannot be used/]
]
test.each(refused)('refused: %s', (_, content, algorithms, message, mode) => {
  expect(() => keysOf(content(), algorithms, mode)).toThrow(message)
})

test('no message has the secret in it', () => {
  expect(() => keysOf('hunter2hunter2', ['HS256'])).toThrow(/^(?!.*hunter2)/s)
})
