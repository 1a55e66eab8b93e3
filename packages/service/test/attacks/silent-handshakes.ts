import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished } from 'vitest'
import { Certificates } from '../../../../test/support/certificates.ts'
import { ask, secureService } from '../tls/support/secure-service.ts'

const CONNECTIONS = 40
/** The first bytes of a ClientHello: a record of 512 bytes of which no more comes. */
const HALF_A_CLIENT_HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4, 5])

/** Without credentials, takes every connection that the service may have, and finishes the TLS handshake on none. */
export async function silentHandshakes(): Promise<void> {
  const certificates = await Certificates.make()
  onTestFinished(() => certificates.remove())
  const authority = await certificates.newAuthority()
  const { url } = await secureService(await authority.issue('127.0.0.1'), {
    EVENT_MAX_CONNECTIONS: String(CONNECTIONS),
    EVENT_HEADERS_TIMEOUT_MS: '2000'
  })
  const ca = readFileSync(authority.caFile)
  const open = new Set<Socket>()
  for (let i = 0; i < CONNECTIONS; i++) {
    // It does not answer the end of the service's side either.
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    open.add(socket)
    socket.resume()
    socket.on('error', () => {}).once('close', () => open.delete(socket))
    await once(socket, 'connect')
    if (i % 2 === 1) socket.write(HALF_A_CLIENT_HELLO)
  }
  await expect(ask(`${url}/health`, { ca }), 'all connections are taken').rejects.toThrow()

  await waitFor(async () => (await ask(`${url}/health`, { ca })).status === 200, {
    timeoutMs: 20_000,
    what: 'a connection for a client that shakes hands'
  })
  await waitFor(() => [...open].every(({ readableEnded, closed }) => readableEnded || closed), {
    timeoutMs: 5_000,
    what: 'the end of every silent connection'
  })
}
