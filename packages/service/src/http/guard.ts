import { EventSystemError } from '@tradpal/event-system'
import { ANYBODY, type Principal, STRANGER } from '@tradpal/event-system/access'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { type Access, type Credentials, forwardedAddresses, isPrivateAddress } from '../access/index.ts'
import { type AskedConnection, connectionOf, isHttp2, type ServiceTls } from '../tls/index.ts'
import { type PageRequest, PageRules, type PagesConfiguration } from './page-rules.ts'

/**
 * What an endpoint asks of who calls it: nothing; to be known, by credentials; or a scope, behind whose colon may stand a
 * parameter of the path. `some` lets in whoever may do any of it, and the endpoint looks at what it is.
 */
export type AccessRule =
  | 'anybody'
  | 'the known'
  | { readonly scope: string; readonly of?: string; readonly or?: string }
  | { readonly some: 'publish' | 'read' }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the endpoint. Every one says it. */
    access?: AccessRule
  }
  interface FastifyRequest {
    /** Who calls. */
    principal: Principal
    /** Who calls, by what its credentials prove by now, of an answer that lasts. Rejects as the guard does. */
    askAgain(): Promise<Principal>
  }
}

const CONFIGURE = `Nobody has said yet who may use this service, so it answers only neighbours on its own machine and in its private network.
Make a key (tradpal-events keys create) and set EVENT_AUTH=required; or EVENT_AUTH=off where something in front of it keeps strangers out.`

export interface GuardOptions {
  readonly access: Access
  /** Where clients may show certificates. */
  readonly tls: ServiceTls | undefined
  /** Which web pages may act with rights that they did not prove themselves. */
  readonly pages: PagesConfiguration
}

/** Lets in who may, before a body is read. An endpoint that does not say who that is cannot be added. */
export function guard(app: FastifyInstance, { access, tls, pages }: GuardOptions): void {
  const rules = new PageRules(pages, { speaksTls: tls !== undefined })
  app.decorateRequest('principal')
  app.decorateRequest('askAgain', async function (this: FastifyRequest) {
    const principal = await access.stillOf(credentialsOf(this, tls))
    mustSatisfy(principal, this.routeOptions.config.access ?? 'anybody', this)
    return principal
  })
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    for (const { method, url, config } of routes) {
      if (config?.access === undefined)
        throw new Error(`${method} ${url} does not say who may call it (config.access).`)
    }
  })
  if (access.mode === 'private') {
    app.addHook('onRequest', (request, _reply, done) => {
      request.principal = ANYBODY
      const refusal = isNeighbour(request) ? rules.refusalOf(pageRequestOf(request)) : CONFIGURE.replaceAll('\n', ' ')
      done(refusal === undefined ? undefined : forbidden(refusal))
    })
  } else if (access.mode === 'off') {
    app.addHook('onRequest', (request, _reply, done) => {
      request.principal = ANYBODY
      const refusal = rules.refusalOf(pageRequestOf(request))
      done(refusal === undefined ? undefined : forbidden(refusal))
    })
  } else {
    app.addHook('onRequest', async (request, reply) => {
      const rule = request.routeOptions.config.access
      const credentials = credentialsOf(request, tls)
      const { certificate } = credentials
      if (certificate !== undefined && 'refused' in certificate) endConnection(request, reply)
      const principal = access.principalOf(credentials)
      request.principal = await (rule === 'anybody' ? principal.catch(() => STRANGER) : principal)
      if (hasAmbientAuthority(request.principal, rule)) {
        const refusal = rules.refusalOf(pageRequestOf(request))
        if (refusal !== undefined) throw forbidden(refusal)
      }
      if (rule !== undefined) mustSatisfy(request.principal, rule, request)
    })
  }
}

/**
 * Whether a browser gives its rights to every page: those of a client certificate, or of `anonymous`. A page must know a key or a
 * token itself, and what anybody may have needs no rights.
 */
function hasAmbientAuthority({ proof }: Principal, rule: AccessRule | undefined): boolean {
  return proof === 'certificate' || (proof === 'nothing' && rule !== 'anybody')
}

function pageRequestOf({ raw: { method = '', url = '', headers } }: FastifyRequest): PageRequest {
  // A whole URL wins over Host (RFC 9112, 3.2.2). By HTTP/2 `:authority` stands for it.
  const [, named] = url.startsWith('/') ? [] : (/^https?:\/\/([^/?#]*)/i.exec(url) ?? [])
  return {
    method,
    authority: named ?? (headers[':authority'] as string | undefined) ?? headers.host,
    origin: headers.origin,
    fetchSite: headers['sec-fetch-site'] as string | undefined
  }
}

function credentialsOf({ headers, raw }: FastifyRequest, tls: ServiceTls | undefined): Credentials {
  const { authorization, 'x-api-key': apiKey } = headers
  return {
    authorization,
    apiKey: typeof apiKey === 'object' ? apiKey[0] : apiKey,
    address: raw.socket.remoteAddress ?? '',
    certificate: tls?.certificateOf(raw)
  }
}

function mustSatisfy({ name, scopes }: Principal, rule: AccessRule, { params }: FastifyRequest): void {
  if (rule === 'anybody' || rule === 'the known') return
  if ('some' in rule) {
    if (scopes.allowSome(rule.some)) return
    throw forbidden(`${name} lacks a scope that begins with ${rule.some}:.`)
  }
  const scope = rule.of === undefined ? rule.scope : `${rule.scope}:${(params as Record<string, string>)[rule.of]}`
  if (scopes.allow(scope) || (rule.or !== undefined && scopes.allow(rule.or))) return
  throw forbidden(`${name} lacks the scope ${scope}${rule.or === undefined ? '' : ` or ${rule.or}`}.`)
}

/** A rule for people: `publish:<…>`, `consume:{group} or admin:groups`. */
export function scopeText(rule: Exclude<AccessRule, string>): string {
  if ('some' in rule) return `${rule.some}:<…>`
  const scope = rule.of === undefined ? rule.scope : `${rule.scope}:{${rule.of}}`
  return rule.or === undefined ? scope : `${scope} or ${rule.or}`
}

/** Behind this answer: a client whose certificate was renewed shows the new one only when it connects again. */
function endConnection({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (isHttp2(raw)) raw.stream.session?.close()
  else reply.header('connection', 'close')
}

/** By connection, since one has one address for as long as it lasts. */
const neighbours = new WeakMap<AskedConnection, boolean>()

/** Whether a request comes from a private address, and through proxies from one. */
function isNeighbour({ raw }: FastifyRequest): boolean {
  const { headers } = raw
  const connection = connectionOf(raw)
  let isPrivate = neighbours.get(connection)
  if (isPrivate === undefined) {
    const { remoteAddress } = raw.socket
    // A socket without an address is one of this machine's own.
    isPrivate = remoteAddress === undefined || isPrivateAddress(remoteAddress)
    neighbours.set(connection, isPrivate)
  }
  if (!isPrivate) return false
  if (!FORWARDING.some((name) => name in headers)) return true
  return forwardedAddresses(headers).every(isPrivateAddress)
}

const FORWARDING = ['x-forwarded-for', 'x-real-ip', 'forwarded']

function forbidden(sentence: string): EventSystemError {
  return new EventSystemError('forbidden', sentence)
}
