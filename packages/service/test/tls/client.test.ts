import { EventClient } from '@tradpal/event-client'
import { type TlsFetchOptions, tlsFetch } from '@tradpal/event-client/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serviceOver } from '../http/support/test-service.ts'
import { ofHouse, replaceable, secureService } from './support/secure-service.ts'

const house = ofHouse()

function clientOf(url: string, options: TlsFetchOptions): EventClient {
  const client = new EventClient({ url, fetch: tlsFetch(options), retries: 3 })
  onTestFinished(() => client.close())
  return client
}

test('the client publishes, follows and replays over TLS with an authority of its own', async () => {
  const { url } = await secureService(house.server)
  const client = clientOf(url, { caFile: house.authority.caFile })
  const subscription = client.subscribe()
  await subscription.open()

  const messageId = await client.publishMarketData('BTC/USDT', { price: 45_000 })

  for await (const event of subscription) {
    expect(event.messageId).toBe(messageId)
    break
  }
  for await (const event of client.streamReplay()) expect(event.messageId).toBe(messageId)
})

test('a client certificate is shown, and a renewed one without a restart', async () => {
  const revoked = await house.authority.issue('ml_service')
  const renewed = await house.authority.issue('ml_service')
  const { paths, replace } = await replaceable({ cert: revoked.certFile, key: revoked.keyFile })
  const { url } = await secureService(house.server, {
    EVENT_TLS_CLIENT_CA_FILE: house.authority.caFile,
    EVENT_TLS_CRL_FILE: await house.authority.revocations([revoked])
  })
  const client = clientOf(url, { caFile: house.authority.caFile, certFile: paths.cert, keyFile: paths.key })
  await expect(client.getEvents()).rejects.toMatchObject({
    code: 'unauthenticated',
    message: 'The client certificate cannot be taken: it was revoked.'
  })

  await replace('cert', renewed.certFile)
  await replace('key', renewed.keyFile)

  await expect(client.getEvents()).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('ml_service')
  })
})

describe('what is wrong with TLS is said once, with what to do', () => {
  test('the service is of no authority that is trusted', async () => {
    const { url } = await secureService(house.server)
    await expect(clientOf(url, {}).getEvents()).rejects.toMatchObject({
      code: 'service_unavailable',
      retryable: false,
      message: expect.stringMatching(/no authority that is trusted here; give .* caFile .*EVENT_CLIENT_CA_FILE/)
    })
  })

  test('and without a fetch of its own', async () => {
    const { url } = await secureService(house.server)
    await using client = new EventClient({ url })

    await expect(client.getEvents()).rejects.toMatchObject({ message: expect.stringContaining('no authority') })
  })

  test('the certificate is for another name, which may be said', async () => {
    const { url } = await secureService(await house.authority.issue('events.internal'))
    const caFile = house.authority.caFile

    await expect(clientOf(url, { caFile }).getEvents()).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/is for another name; .* serverName/)
    })
    await expect(clientOf(url, { caFile, serverName: 'events.internal' }).getEvents()).resolves.toEqual([])
  })

  test('there is no TLS', async () => {
    const { url } = await serviceOver()
    const client = clientOf(url.replace('http:', 'https:'), {})

    await expect(client.getEvents()).rejects.toMatchObject({ message: expect.stringContaining('speaks no TLS') })
  })
})

test.each<[string, TlsFetchOptions, RegExp]>([
  ['a certificate without its key', { certFile: 'a.pem' }, /belong together/],
  ['a file that is not there', { caFile: '/nowhere/ca.pem' }, /caFile for TLS, \/nowhere\/ca\.pem, cannot be read/],
  ['a file that is no PEM', { caFile: import.meta.filename }, /holds no PEM/]
])('%s is refused at once', (_, options, sentence) => {
  expect(() => tlsFetch(options)).toThrow(sentence)
})
