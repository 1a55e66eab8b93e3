import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { connect as connectPlainly } from 'node:net'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished } from 'vitest'
import { Certificates } from '../../../../test/support/certificates.ts'
import { attackedService, growthDuring } from './support/attacked-service.ts'

const MIB = 1_048_576
/** Bodies of almost the size that one may have, none of which ends. */
const BODIES = 400
const BODY = Buffer.alloc(MIB - 1_024, ' ')
/** Less than the half of what they have together, and more than a service holds of them with all that is around it. */
const MOST_GROWTH = 200 * MIB

/** Sends 400 MiB on one connection of HTTP/2, in bodies that do not end, while the service holds them all. */
export async function http2BodyFlood(): Promise<void> {
  const certificates = await Certificates.make()
  onTestFinished(() => certificates.remove())
  const authority = await certificates.newAuthority()
  const { certFile, keyFile } = await authority.issue('127.0.0.1')
  const service = await attackedService({ EVENT_TLS_CERT_FILE: certFile, EVENT_TLS_KEY_FILE: keyFile })
  const session = connect(service.url, { ca: readFileSync(authority.caFile) })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  await once(session, 'connect')

  const growth = await growthDuring(service, async () => {
    let taken = 0
    for (let i = 0; i < BODIES; i++) {
      const stream = session.request({ ':method': 'POST', ':path': '/events', 'content-type': 'application/json' })
      const over = () => taken++
      stream.on('error', () => {}).resume()
      stream.write(BODY, () => !stream.closed && over())
      stream.once('close', () => stream.writableLength > 0 && over())
    }
    await waitFor(() => taken >= BODIES || session.destroyed, { timeoutMs: 60_000, what: 'all bodies' }).catch(() => {})
  })

  expect(growth).toBeLessThan(MOST_GROWTH)
}

/** The same over HTTP/1.1, on as many connections. */
export async function http1BodyFlood(): Promise<void> {
  const service = await attackedService()
  const port = Number(new URL(service.url).port)

  const growth = await growthDuring(service, async () => {
    await Promise.all(
      Array.from({ length: BODIES }, async () => {
        const socket = connectPlainly(port, '127.0.0.1')
        onTestFinished(() => void socket.destroy())
        socket.on('error', () => {}).resume()
        await once(socket, 'connect')
        socket.write(
          `POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n`
        )
        const sent = Promise.withResolvers<void>()
        socket.write(BODY, () => sent.resolve())
        socket.once('close', () => sent.resolve())
        await sent.promise
      })
    )
  })

  expect(growth).toBeLessThan(MOST_GROWTH)
}
