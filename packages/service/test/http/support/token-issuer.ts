import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type Certificate, showing } from '../../../../../test/support/certificates.ts'
import { withTheTest } from './test-service.ts'

/** A key with which tokens are signed. */
export interface SigningKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

let keys = 0

export async function newSigningKey(alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  keys += 1
  const kid = `key-${keys}`
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** A token of these claims, each as it is given: none is added. */
export function signed(key: SigningKey, claims: object, header: object = {}): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey)
}

/** A part of a token: JSON, or a text as it is. */
export function part(content: unknown): string {
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString('base64url')
}

/** A token of this text by RS256, which need not be one that a library would write. */
export async function rawToken(
  key: SigningKey,
  claims: string,
  header = JSON.stringify({ alg: key.alg, kid: key.kid })
) {
  const input = `${part(header)}.${part(claims)}`
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key.privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

/** The same claims under a header that is changed so. */
export async function resigned(token: string, key: SigningKey, change: object = {}): Promise<string> {
  const [header = '', claims = ''] = token.split('.').map((one) => Buffer.from(one, 'base64url').toString())
  return rawToken(key, claims, JSON.stringify({ ...JSON.parse(header), ...change }))
}

/** An issuer of tokens that publishes its keys over HTTP, or with a certificate over HTTPS, until the test ends unless it is said otherwise. */
export class TokenIssuer {
  readonly url: string
  /** The paths that were asked for. */
  readonly requests: string[]
  /** What it publishes. */
  published: JWK[] = []
  /** How it answers who asks for its keys. */
  answer: (response: ServerResponse, request: IncomingMessage) => void = (response) =>
    response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: this.published }))
  /** With which it signs. */
  key: SigningKey

  private constructor(url: string, requests: string[], key: SigningKey) {
    this.url = url
    this.requests = requests
    this.key = key
    this.published = [key.publicJwk]
  }

  static async start(key?: SigningKey, certificate?: Certificate, atEnd = withTheTest): Promise<TokenIssuer> {
    const requests: string[] = []
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      requests.push(request.url ?? '')
      issuer.answer(response, request)
    }
    const server =
      certificate === undefined ? createServer(listener) : createSecureServer(showing(certificate), listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const scheme = certificate === undefined ? 'http' : 'https'
    const issuer = new TokenIssuer(`${scheme}://127.0.0.1:${port}`, requests, key ?? (await newSigningKey()))
    atEnd(async () => {
      server.close()
      server.closeAllConnections()
    })
    return issuer
  }

  get jwksUrl(): string {
    return `${this.url}/keys`
  }

  /** Signs by a new key from now on, and publishes no other. */
  async rotate(): Promise<void> {
    this.key = await newSigningKey()
    this.published = [this.key.publicJwk]
  }
}

/** Answers as an issuer that is out of order. */
export const OUT_OF_ORDER = (response: ServerResponse): void => {
  response.writeHead(500).end('out of order')
}
