import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Certificate, showing } from '../../../../test/support/certificates.ts'
import { signal } from '../http/support/test-service.ts'
import { http2Client } from './support/http2-client.ts'
import { ask, keptAlive, ofHouse, replaceable, secureService, serviceOf } from './support/secure-service.ts'

const house = ofHouse()

function as(certificate: Certificate): RequestOptions {
  return { ca: house.ca, ...showing(certificate), agent: false }
}

test('who shows a certificate of the authority is who it names, with the scopes of the policy', async () => {
  const { url } = await serviceOf(house)
  const client = as(await house.authority.issue('ml_service', { names: '' }))

  const published = await ask(`${url}/events`, client, { ...signal(), source: undefined })
  const found = await ask(`${url}/events/${published.body.message_id}`, client)
  const refused = await ask(`${url}/events`, client, { event_type: 'system_health', data: {} })

  expect(published.status).toBe(200)
  expect(found.body.source).toBe('ml_service')
  expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  expect(refused.body.detail).toContain('ml_service')
})

test('over HTTP/2 too', async () => {
  const { url } = await serviceOf(house)
  const client = http2Client(url, { ca: house.ca, ...showing(await house.authority.issue('ml_service')) })

  expect(await client.ask('GET', '/events')).toMatchObject({ status: 200 })
})

test.each([
  ['URI:spiffe://tradpal/risk,DNS:ml_service', 200],
  ['email:risk@tradpal.example,DNS:ml_service', 200],
  ['DNS:somebody,URI:spiffe://tradpal/risk', 200],
  ['email:risk@tradpal.example', 403]
])('of the names %s the first URI counts, else DNS, else e-mail', async (names, status) => {
  const { url } = await serviceOf(house)

  expect(await ask(`${url}/events`, as(await house.authority.issue('ml_service', { names })))).toMatchObject({ status })
})

test.each(['anonymous', 'ml*', '*'])('a certificate of the name %s is nobody', async (name) => {
  const { url } = await serviceOf(house)

  const answer = await ask(`${url}/events`, as(await house.authority.issue(name, { names: '' })))

  expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  expect(answer.body.detail).toContain('it has no name for a principal')
})

describe('a certificate that cannot be taken is refused with the reason', () => {
  test.each<[string, string, () => Promise<Certificate>]>([
    [
      'of another authority',
      'it is of no authority that is trusted here',
      async () => (await house.certificates.newAuthority()).issue('ml_service')
    ],
    ['expired', 'it has expired', () => house.authority.issue('ml_service', { expired: true })]
  ])('%s', async (_, reason, issue) => {
    const { url } = await serviceOf(house)

    const answer = await ask(`${url}/events`, as(await issue()))

    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(answer.body.detail).toBe(`The client certificate cannot be taken: ${reason}.`)
    expect(answer.headers.connection).toBe('close')
  })

  test('revoked, and another of the same authority is not', async () => {
    const [revoked, other] = [await house.authority.issue('ml_service'), await house.authority.issue('ml_service')]
    const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: await house.authority.revocations([revoked]) })

    const answer = await ask(`${url}/events`, as(revoked))

    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(answer.body.detail).toBe('The client certificate cannot be taken: it was revoked.')
    expect(await ask(`${url}/events`, as(other))).toMatchObject({ status: 200 })
  })
})

test('who shows none is asked for credentials, and a probe is not', async () => {
  const { url } = await secureService(house.server, { EVENT_TLS_CLIENT_CA_FILE: house.authority.caFile })

  const answer = await ask(`${url}/events`, { ca: house.ca })

  expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  expect(answer.body.detail).toContain('or show a client certificate')
  expect(await ask(`${url}/health`, { ca: house.ca })).toMatchObject({ status: 200 })
})

test('an API key in the header wins over the certificate', async () => {
  const { url } = await serviceOf(house)
  const client = as(await house.authority.issue('ml_service'))
  const made = await ask(`${url}/keys`, client, { name: 'ml_service', scopes: [] })
  const authorization = `Bearer ${made.body.key}`

  const listed = await ask(`${url}/keys`, { ...client, headers: { authorization: 'Bearer wrong' } })
  const right = await ask(`${url}/events`, { ca: house.ca, headers: { authorization } })

  expect(made.status).toBe(200)
  expect(listed).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  expect(right).toMatchObject({ status: 200 })
})

describe.each(['HTTP/1.1', 'HTTP/2'])(
  'by %s, who shows a certificate whose signature is of another than it says',
  (protocol) => {
    test('is refused with a reason, and let in with an API key', async () => {
      const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: await house.authority.revocations([]) })
      const maker = as(await house.authority.issue('ml_service'))
      const { body } = await ask(`${url}/keys`, maker, { name: 'ml_service', scopes: [] })
      const shown = { ca: house.ca, ...showing(await (await house.certificates.newAuthority()).issue('ml_service')) }
      const statusWith = async (headers: Record<string, string>) => {
        if (protocol === 'HTTP/1.1') return (await ask(`${url}/events`, { ...shown, agent: false, headers })).status
        return (await http2Client(url, shown).ask('GET', '/events', { headers })).status
      }

      expect(await statusWith({})).toBe(401)
      expect(await statusWith({ authorization: `Bearer ${body.key}` })).toBe(200)
    })
  }
)

test.each(['HTTP/1.1', 'HTTP/2'])(
  'a certificate that is revoked while its connection is open is refused with the next request, by %s',
  async (protocol) => {
    const [client, other] = [await house.authority.issue('ml_service'), await house.authority.issue('ml_service')]
    const { paths, replace } = await replaceable({ crl: await house.authority.revocations([]) })
    const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: paths.crl })
    const askOn = (certificate: Certificate) => {
      const shown = { ca: house.ca, ...showing(certificate) }
      if (protocol === 'HTTP/2') {
        const session = http2Client(url, shown)
        return async () => (await session.ask('GET', '/events')).status
      }
      const agent = keptAlive(shown)
      return async () => (await ask(`${url}/events`, { agent })).status
    }
    const [asRevoked, asOther] = [askOn(client), askOn(other)]
    expect([await asRevoked(), await asOther()]).toEqual([200, 200])

    await replace('crl', await house.authority.revocations([client]))
    await waitFor(async () => (await asRevoked()) === 401, { what: 'the refusal' })

    expect(await asOther()).toBe(200)
  }
)

test('a client whose authority is no longer trusted is refused on the connection that it has', async () => {
  const next = await house.certificates.newAuthority()
  const { paths, replace } = await replaceable({ ca: house.authority.caFile })
  const { url } = await serviceOf(house, { EVENT_TLS_CLIENT_CA_FILE: paths.ca })
  const agent = keptAlive({ ca: house.ca, ...showing(await house.authority.issue('ml_service')) })
  expect(await ask(`${url}/events`, { agent })).toMatchObject({ status: 200 })

  await replace('ca', next.caFile)
  await waitFor(async () => (await ask(`${url}/events`, { agent })).status === 401)

  expect(await ask(`${url}/events`, as(await next.issue('ml_service')))).toMatchObject({ status: 200 })
})

test('a live stream ends when the certificate that began it is revoked, and another one goes on', async () => {
  const [client, other] = [await house.authority.issue('ml_service'), await house.authority.issue('ml_service')]
  const { paths, replace } = await replaceable({ crl: await house.authority.revocations([]) })
  const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: paths.crl })
  const streamOf = async (certificate: Certificate) => {
    const asked = request(`${url}/events/stream`, { ca: house.ca, ...showing(certificate), agent: false }).end()
    onTestFinished(() => void asked.destroy())
    const [stream] = (await once(asked, 'response')) as [IncomingMessage]
    return stream.resume()
  }
  const [ofRevoked, ofOther] = [await streamOf(client), await streamOf(other)]

  await replace('crl', await house.authority.revocations([client]))
  await waitFor(() => ofRevoked.complete, { what: 'the end of the stream' })

  expect(ofOther.complete).toBe(false)
})
