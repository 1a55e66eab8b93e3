import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { waitFor } from '@tradpal/event-system/testing'
import { onTestFinished } from 'vitest'
import { Certificates } from '../../../../test/support/certificates.ts'
import { secureService } from '../tls/support/secure-service.ts'

const SHORT = { EVENT_HEADERS_TIMEOUT_MS: '1000', EVENT_REQUEST_TIMEOUT_MS: '1500' }
const PATIENCE = { timeoutMs: 12_000 }

async function sessionWithService(): Promise<ClientHttp2Session> {
  const certificates = await Certificates.make()
  onTestFinished(() => certificates.remove())
  const authority = await certificates.newAuthority()
  const { url } = await secureService(await authority.issue('127.0.0.1'), SHORT)
  const session = connect(url, { ca: readFileSync(authority.caFile) })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  await once(session, 'connect')
  return session
}

/** Keeps a request open with a byte of its body now and then. */
export async function endlessHttp2Body(): Promise<void> {
  const session = await sessionWithService()
  const stream = session.request({ ':method': 'POST', ':path': '/events', 'content-type': 'application/json' })
  stream.on('error', () => {}).resume()
  const dripping = setInterval(() => stream.writable && stream.write(' '), 200)
  onTestFinished(() => clearInterval(dripping))

  await waitFor(() => stream.closed, { ...PATIENCE, what: 'the end of the stream' })
}

/** Keeps a connection open with pings, and asks for nothing. */
export async function endlessHttp2Pings(): Promise<void> {
  const session = await sessionWithService()
  const pinging = setInterval(() => !session.destroyed && session.ping(() => {}), 200)
  onTestFinished(() => clearInterval(pinging))

  await waitFor(() => session.destroyed, { ...PATIENCE, what: 'the end of the connection' })
}
