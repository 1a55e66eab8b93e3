import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, type AgentOptions, type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type Authority, type Certificate, Certificates } from '../../../../../test/support/certificates.ts'
import type { RunningService, ServiceOptions } from '../../../src/index.ts'
import { serviceOver } from '../../http/support/test-service.ts'

/** The authorities of a test file, and the certificate of its service. */
export interface House {
  readonly certificates: Certificates
  readonly authority: Authority
  readonly server: Certificate
  /** What clients trust. */
  readonly ca: Buffer
}

/** Made before the tests of a file, and removed behind them. */
export function ofHouse(): House {
  let house: House | undefined
  beforeAll(async () => {
    const certificates = await Certificates.make()
    const authority = await certificates.newAuthority()
    house = { certificates, authority, server: await authority.issue('127.0.0.1'), ca: readFileSync(authority.caFile) }
  })
  afterAll(() => house?.certificates.remove())
  return new Proxy({} as House, { get: (_, name) => Reflect.get(house as House, name) })
}

/** The files of a certificate that a test may change. */
export async function changeable({ certFile, keyFile }: Certificate): Promise<Certificate> {
  return (await replaceable({ certFile, keyFile })).paths
}

/** Copies of files, at paths of the test's own, that it can replace. */
export async function replaceable<Name extends string>(
  files: Readonly<Record<Name, string>>
): Promise<{ paths: Record<Name, string>; replace(name: Name, by: string): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-tls-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const names = Object.keys(files) as Name[]
  const paths = Object.fromEntries(names.map((name) => [name, join(folder, name)])) as Record<Name, string>
  for (const name of names) await copyFile(files[name], paths[name])
  return {
    paths,
    // At once, as orchestrators do.
    async replace(name, by) {
      await copyFile(by, `${paths[name]}.new`)
      await rename(`${paths[name]}.new`, paths[name])
    }
  }
}

const POLICY = {
  principals: {
    ml_service: { scopes: ['publish:trading_signal', 'read:*', 'admin:keys'] },
    'spiffe://tradpal/risk': { scopes: ['read:*'] }
  }
}

/** A service that trusts the certificates of this authority, and whose policy knows `ml_service`. */
export async function serviceOf(
  { authority, server }: House,
  environment: Record<string, string> = {}
): Promise<RunningService> {
  const { paths } = await replaceable({ policy: authority.caFile })
  await writeFile(paths.policy, JSON.stringify(POLICY))
  return secureService(server, {
    EVENT_TLS_CLIENT_CA_FILE: authority.caFile,
    EVENT_POLICY_FILE: paths.policy,
    ...environment
  })
}

/** A service that speaks TLS, over a log of its own. */
export function secureService(
  { certFile, keyFile }: Certificate,
  environment: Record<string, string> = {},
  options: ServiceOptions = {}
): Promise<RunningService> {
  return serviceOver('sqlite', { EVENT_TLS_CERT_FILE: certFile, EVENT_TLS_KEY_FILE: keyFile, ...environment }, options)
}

/** One connection, kept alive from request to request, for the test that runs. */
export function keptAlive(options: AgentOptions): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...options })
  onTestFinished(() => agent.destroy())
  return agent
}

export interface Asked {
  readonly status: number | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire brings
  readonly body: any
  readonly headers: IncomingMessage['headers']
  /** The port from which it was asked: another for each connection. */
  readonly localPort: number | undefined
}

/** One request over HTTP/1.1. */
export async function ask(url: string, options: RequestOptions, body?: object): Promise<Asked> {
  const headers = { ...(body && { 'content-type': 'application/json' }), ...options.headers }
  const sent = request(url, { method: body === undefined ? 'GET' : 'POST', ...options, headers })
  sent.end(body && JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const { localPort } = response.socket
  const content = await text(response)
  const isJson = response.headers['content-type']?.includes('json') === true && content !== ''
  return {
    status: response.statusCode,
    body: isJson ? JSON.parse(content) : content,
    headers: response.headers,
    localPort
  }
}
