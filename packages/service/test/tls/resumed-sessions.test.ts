import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Certificate, showing } from '../../../../test/support/certificates.ts'
import { ofHouse, replaceable, serviceOf } from './support/secure-service.ts'

const house = ofHouse()

interface Answer {
  readonly status: number | undefined
  readonly detail: string | undefined
  readonly isResumed: boolean
  /** With which the next connection may go on. */
  readonly session: Buffer
}

/** One request on a connection of its own. */
async function ask(url: string, options: ConnectionOptions): Promise<Answer> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: house.ca, ...options })
  onTestFinished(() => void socket.destroy())
  const sessions: Buffer[] = []
  socket.on('session', (session: Buffer) => sessions.push(session))
  const asked = request(`${url}/events`, { createConnection: () => socket }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const body = JSON.parse(await text(response))
  const isResumed = (response.socket as TLSSocket).isSessionReused()
  const session = await waitFor(() => sessions.at(-1) ?? socket.getSession(), { what: 'a session' })
  return { status: response.statusCode, detail: body.detail, isResumed, session }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session that is taken up again, by %s', (version) => {
  const as = (certificate: Certificate): ConnectionOptions => ({
    ...showing(certificate),
    minVersion: version,
    maxVersion: version
  })

  test('is the principal of the certificate that began it, whichever is offered with it', async () => {
    const { url } = await serviceOf(house)
    const [mine, other] = [await house.authority.issue('ml_service'), await house.authority.issue('somebody')]
    const [first, ofOther] = [await ask(url, as(mine)), await ask(url, as(other))]
    expect([first, ofOther]).toMatchObject([
      { status: 200, isResumed: false },
      { status: 403, isResumed: false }
    ])

    const again = await ask(url, { ...as(mine), session: first.session })
    const withOther = await ask(url, { ...as(other), session: first.session })
    const otherAgain = await ask(url, { ...as(mine), session: ofOther.session })

    expect(again).toMatchObject({ status: 200, isResumed: true })
    expect(withOther).toMatchObject({ status: 200, isResumed: true })
    expect(otherAgain).toMatchObject({ status: 403, isResumed: true, detail: expect.stringContaining('somebody') })
  })

  test('of a certificate that was revoked since is refused, and another one goes on', async () => {
    const [client, other] = [await house.authority.issue('ml_service'), await house.authority.issue('ml_service')]
    const { paths, replace } = await replaceable({ crl: await house.authority.revocations([]) })
    const { url } = await serviceOf(house, { EVENT_TLS_CRL_FILE: paths.crl })
    const [first, ofOther] = [await ask(url, as(client)), await ask(url, as(other))]
    expect((await ask(url, { ...as(client), session: first.session })).isResumed).toBe(true)

    await replace('crl', await house.authority.revocations([client]))
    await waitFor(async () => (await ask(url, as(client))).status === 401, { what: 'the list' })

    expect(await ask(url, { ...as(client), session: first.session })).toMatchObject({
      status: 401,
      detail: 'The client certificate cannot be taken: it was revoked.'
    })
    expect(await ask(url, { ...as(other), session: ofOther.session })).toMatchObject({ status: 200 })
  })

  test('of an authority that is trusted no longer is refused', async () => {
    const next = await house.certificates.newAuthority()
    const { paths, replace } = await replaceable({ ca: house.authority.caFile })
    const { url } = await serviceOf(house, { EVENT_TLS_CLIENT_CA_FILE: paths.ca })
    const client = await house.authority.issue('ml_service')
    const first = await ask(url, as(client))
    expect((await ask(url, { ...as(client), session: first.session })).isResumed).toBe(true)

    await replace('ca', next.caFile)
    await waitFor(async () => (await ask(url, as(client))).status === 401, { what: 'the authority' })

    expect(await ask(url, { ...as(client), session: first.session })).toMatchObject({
      status: 401,
      detail: 'The client certificate cannot be taken: it is of no authority that is trusted here.'
    })
  })
})
