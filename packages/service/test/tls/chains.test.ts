import { readFileSync } from 'node:fs'
import { waitFor } from '@tradpal/event-system/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Authority, type Certificate, showing } from '../../../../test/support/certificates.ts'
import { ask, keptAlive, ofHouse, replaceable, secureService, serviceOf } from './support/secure-service.ts'

const house = ofHouse()
let between: Authority

beforeAll(async () => {
  between = await house.authority.between('between')
})

/** A certificate of the authority between, as it is sent with that one's. */
async function issued(name: string): Promise<{ alone: Certificate; chained: Certificate; showing: object }> {
  const alone = await between.issue(name)
  const chained = await house.certificates.chained(alone, [between])
  return { alone, chained, showing: { ca: house.ca, ...showing(chained) } }
}

/** A file with the lists of both authorities. */
async function lists(byRoot: readonly Certificate[], byBetween: readonly Certificate[]): Promise<string> {
  return house.certificates.joined([await house.authority.revocations(byRoot), await between.revocations(byBetween)])
}

const asCertificate = ({ caFile, keyFile }: Authority): Certificate => ({ certFile: caFile, keyFile })

describe('a client certificate of an authority between', () => {
  test('is its principal when the chain is sent with it', async () => {
    const { url } = await serviceOf(house)
    const client = await issued('ml_service')
    const stranger = await issued('somebody')

    expect(await ask(`${url}/events`, { agent: false, ...client.showing })).toMatchObject({ status: 200 })
    const refused = await ask(`${url}/events`, { agent: false, ...stranger.showing })
    expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringContaining('somebody') } })
  })

  test('is refused when it is sent alone', async () => {
    const { url } = await serviceOf(house)
    const { alone } = await issued('ml_service')

    const answer = await ask(`${url}/events`, { ca: house.ca, ...showing(alone), agent: false })

    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(answer.body.detail).toContain('it is of no authority that is trusted here')
  })

  test('is refused when it was revoked by that one, and another is not', async () => {
    const [revoked, other] = [await issued('ml_service'), await issued('ml_service')]
    const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: await lists([], [revoked.alone]) })

    const answer = await ask(`${url}/events`, { agent: false, ...revoked.showing })

    expect(answer).toMatchObject({ status: 401, body: { detail: expect.stringContaining('it was revoked') } })
    expect(await ask(`${url}/events`, { agent: false, ...other.showing })).toMatchObject({ status: 200 })
  })

  test('is refused when the root revoked that one', async () => {
    const client = await issued('ml_service')
    const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: await lists([asCertificate(between)], []) })

    const answer = await ask(`${url}/events`, { agent: false, ...client.showing })

    expect(answer).toMatchObject({ status: 401, body: { detail: expect.stringContaining('it was revoked') } })
  })

  test('is refused where that one has no list of what it revoked', async () => {
    const client = await issued('ml_service')
    const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: await house.authority.revocations([]) })

    const answer = await ask(`${url}/events`, { agent: false, ...client.showing })

    expect(answer).toMatchObject({ status: 401, body: { detail: expect.stringContaining('EVENT_TLS_CRL_FILE') } })
  })

  test.each([
    ['that stands in no file', false, 'one of its authorities may have been revoked since'],
    ['that stands behind the root in the file', true, 'it was revoked']
  ])(
    '%s goes on, on the connection that it has, when another is revoked, and is refused when the root revokes that one',
    async (_, isInFile, reason) => {
      const client = await issued('ml_service')
      const { paths, replace } = await replaceable({ crl: await lists([], []) })
      const { caFile } = house.authority
      const { url } = await serviceOf(house, {
        EVENT_TLS_CRL_FILE: paths.crl,
        EVENT_TLS_CLIENT_CA_FILE: isInFile ? await house.certificates.joined([caFile, between.caFile]) : caFile
      })
      const agent = keptAlive(client.showing)
      const { status, localPort } = await ask(`${url}/events`, { agent })
      expect(status).toBe(200)
      const other = await issued('ml_service')
      const statusOfOther = async () => (await ask(`${url}/events`, { agent: false, ...other.showing })).status

      await replace('crl', await lists([], [other.alone]))
      await waitFor(async () => (await statusOfOther()) === 401, { what: 'the lists' })
      expect(await ask(`${url}/events`, { agent })).toMatchObject({ status: 200, localPort })

      await replace('crl', await lists([asCertificate(between)], []))
      const refused = await waitFor(
        async () => {
          const answer = await ask(`${url}/events`, { agent })
          return answer.status === 401 ? answer : undefined
        },
        { timeoutMs: 10_000, what: 'the refusal' }
      )
      expect(refused).toMatchObject({ localPort, body: { detail: expect.stringContaining(reason) } })
      const again = await ask(`${url}/events`, { agent: false, ...client.showing })
      expect(again.body.detail).toContain('it was revoked')
    }
  )

  test('is refused on the connection that it has, when the root is trusted no longer', async () => {
    const { paths, replace } = await replaceable({ ca: house.authority.caFile })
    const { url } = await serviceOf(house, { EVENT_TLS_CLIENT_CA_FILE: paths.ca })
    const agent = keptAlive((await issued('ml_service')).showing)
    const { localPort } = await ask(`${url}/events`, { agent })

    await replace('ca', (await house.certificates.newAuthority()).caFile)
    const refused = await waitFor(
      async () => {
        const answer = await ask(`${url}/events`, { agent })
        return answer.status === 401 ? answer : undefined
      },
      { timeoutMs: 10_000, what: 'the refusal' }
    )

    expect(refused).toMatchObject({ localPort, body: { detail: expect.stringContaining('of no authority') } })
  })
})

describe('a certificate of the service that an authority between has issued', () => {
  test('is known to a client that trusts the root alone, with the chain in its file', async () => {
    const { chained } = await issued('127.0.0.1')
    const { url } = await secureService(chained)

    expect(await ask(`${url}/health`, { ca: house.ca })).toMatchObject({ status: 200 })
  })

  test('is not without it, but to one that has the authority between', async () => {
    const { alone } = await issued('127.0.0.1')
    const { url } = await secureService(alone)

    await expect(ask(`${url}/health`, { ca: house.ca })).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
    })
    const both = [house.ca, readFileSync(between.caFile)]
    expect(await ask(`${url}/health`, { ca: both })).toMatchObject({ status: 200 })
  })
})
