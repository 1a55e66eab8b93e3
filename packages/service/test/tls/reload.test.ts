import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { signal } from '../http/support/test-service.ts'
import { http2Client } from './support/http2-client.ts'
import { ask, keptAlive, ofHouse, replaceable, secureService } from './support/secure-service.ts'

const house = ofHouse()

/** The serial number of the certificate that a new connection is shown. */
async function serialShown(url: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: house.ca })
  onTestFinished(() => void socket.destroy())
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('secureConnect', () => resolve(socket.getPeerCertificate().serialNumber))
  })
}

test('a renewed certificate is shown to new connections, while those that are open go on and no request fails', async () => {
  const renewed = await house.authority.issue('127.0.0.1')
  const { paths, replace } = await replaceable({ cert: house.server.certFile, key: house.server.keyFile })
  const { url } = await secureService({ certFile: paths.cert, keyFile: paths.key })
  const before = await serialShown(url)
  const agent = keptAlive({ ca: house.ca })
  const client = http2Client(url, { ca: house.ca })
  const stream = await client.open('/events/stream')
  const { localPort } = await ask(url, { agent })
  const failures: unknown[] = []
  let isRenewed = false
  const publishing = [false, true].map(async (anew) => {
    let requests = 0
    for (; !isRenewed; requests++) {
      const options = anew ? { ca: house.ca, agent: false } : { agent }
      const answer = await ask(`${url}/events`, options, signal()).catch((error) => error)
      if (answer.status !== 200 || (!anew && answer.localPort !== localPort)) failures.push(answer)
    }
    return requests
  })

  // Between the two they do not fit: what held before holds on.
  await replace('cert', renewed.certFile)
  await replace('key', renewed.keyFile)
  await waitFor(async () => (await serialShown(url)) !== before, { what: 'the new certificate' })
  const { message_id } = (await ask(`${url}/events`, { agent }, signal('NEW/USDT'))).body
  await waitFor(() => stream.text().includes(message_id), { what: 'the event on the stream that was open' })
  isRenewed = true

  expect((await Promise.all(publishing)).every((requests) => requests > 0)).toBe(true)
  expect(failures).toEqual([])
})

test('a mistake in a renewed file keeps what held before, and is logged', async () => {
  const { paths, replace } = await replaceable({ cert: house.server.certFile, key: house.server.keyFile })
  const messages: string[] = []
  const keep = (_: object, message: string) => void messages.push(message)
  const logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger }
  const { url } = await secureService({ certFile: paths.cert, keyFile: paths.key }, {}, { logger })
  const before = await serialShown(url)

  await replace('cert', house.server.keyFile)
  await waitFor(() => messages.includes('the files for TLS changed and cannot be used: what held before holds on'), {
    timeoutMs: 10_000
  })

  expect(readFileSync(paths.cert, 'utf8')).not.toContain('CERTIFICATE')
  expect(await serialShown(url)).toBe(before)
})
