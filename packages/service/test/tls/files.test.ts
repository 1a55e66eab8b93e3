import { chmod, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { readServiceConfiguration } from '../../src/configuration.ts'
import { changeable, ofHouse, secureService } from './support/secure-service.ts'

const house = ofHouse()

test('a certificate that has expired is refused, with when it did', async () => {
  const expired = await house.authority.issue('127.0.0.1', { expired: true })

  await expect(secureService(expired)).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringMatching(/the certificate expired at \d{4}-.*Z; it needs a new one \(EVENT_TLS_CERT_FILE\)/)
  })
})

test('a certificate and the key of another are refused', async () => {
  const { keyFile } = await house.authority.issue('127.0.0.1')

  await expect(secureService({ ...house.server, keyFile })).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringContaining('the key (EVENT_TLS_KEY_FILE) is not that of the certificate')
  })
})

test.each(['certFile', 'keyFile'] as const)(
  'a %s that is no PEM is refused, and what is in it is not told',
  async (name) => {
    const paths = await changeable(house.server)
    await writeFile(paths[name], 'a secret of the operator')

    const failure = await secureService(paths).catch((error) => error)

    expect(failure).toMatchObject({ code: 'invalid_options', message: expect.stringMatching(/EVENT_TLS_.*PEM/) })
    expect(failure.message).not.toContain('secret')
  }
)

test('a file that is not there is refused by its name', async () => {
  const missing = '/nowhere/cert.pem'

  await expect(secureService({ ...house.server, certFile: missing })).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringContaining(missing)
  })
})

test.each([0o644, 0o604, 0o620, 0o660, 0o601])('a key with mode %o is refused, with what to do', async (mode) => {
  const paths = await changeable(house.server)
  await chmod(paths.keyFile, mode)

  await expect(secureService(paths)).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringMatching(new RegExp(`has mode ${mode.toString(8)}, .*chmod 600 or 640`))
  })
})

test.each([0o600, 0o640, 0o400, 0o440])('a key with mode %o is taken', async (mode) => {
  const paths = await changeable(house.server)
  await chmod(paths.keyFile, mode)

  expect((await secureService(paths)).url).toMatch(/^https:/)
})

test('a file of authorities or of revocations that is none is refused', async () => {
  const { certFile, keyFile } = house.server
  const files = { EVENT_TLS_CLIENT_CA_FILE: house.authority.caFile, EVENT_TLS_CRL_FILE: certFile }

  await expect(secureService(house.server, { EVENT_TLS_CLIENT_CA_FILE: keyFile })).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringContaining('EVENT_TLS_CLIENT_CA_FILE holds no certificate in PEM')
  })
  await expect(secureService(house.server, files)).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringContaining('EVENT_TLS_CRL_FILE holds no list of revoked certificates in PEM')
  })
})

test.each([
  [{ EVENT_TLS_CERT_FILE: 'a' }, 'EVENT_TLS_CERT_FILE and EVENT_TLS_KEY_FILE belong together'],
  [{ EVENT_TLS_KEY_FILE: 'a' }, 'EVENT_TLS_CERT_FILE and EVENT_TLS_KEY_FILE belong together'],
  [{ EVENT_TLS_CLIENT_CA_FILE: 'a' }, 'EVENT_TLS_CLIENT_CA_FILE is for a service that speaks TLS'],
  [
    { EVENT_TLS_CERT_FILE: 'a', EVENT_TLS_KEY_FILE: 'b', EVENT_TLS_CRL_FILE: 'c' },
    'EVENT_TLS_CRL_FILE is for client certificates'
  ]
])('variables that lack others are refused: %o', (environment, sentence) => {
  expect(() => readServiceConfiguration(environment)).toThrow(sentence)
})
