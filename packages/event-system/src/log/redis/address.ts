import { EventSystemError } from '@tradpal/events'

/** Where a Redis is, as its URL says. */
export interface RedisAddress {
  /** `cluster`: the servers are some of its nodes, by which the others are found. */
  readonly kind: 'server' | 'cluster'
  /** Of each server a URL that the driver takes, with user and password. */
  readonly servers: readonly [string, ...string[]]
  /** For people: without user and password. */
  readonly location: string
}

const SCHEME = /^(rediss?)(\+cluster)?:\/\//

/** `redis://…` of a server, `redis+cluster://host:port,host:port` of a cluster, `rediss` for TLS. Throws `invalid_options`; no message repeats the URL, which may hold a password. */
export function parseRedisUrl(text: string): RedisAddress {
  const [all, scheme, cluster] = SCHEME.exec(text) ?? []
  if (all === undefined || scheme === undefined) {
    throw wrong('must begin with redis:// or rediss://, such as redis://localhost:6379')
  }
  const [authority = '', path = ''] = text.slice(all.length).split(/(?=\/)/, 2)
  const [credentials, hosts] = authority.includes('@') ? splitAtLast(authority, '@') : ['', authority]
  const urls = hosts
    .split(',')
    .map((host) => `${scheme}://${credentials === '' ? '' : `${credentials}@`}${host}${path}`)
  for (const url of urls) mustBeServer(url)
  const kind = cluster === undefined ? 'server' : 'cluster'
  if (kind === 'server' && urls.length > 1)
    throw wrong('names several servers: of a cluster it begins with redis+cluster://')
  if (kind === 'cluster' && path.length > 1) throw wrong('names a database: a cluster has only one')
  const { pathname } = new URL(urls[0] as string)
  const location = `${scheme}${cluster ?? ''}://${hosts}${pathname === '/' ? '' : pathname}`
  return { kind, servers: urls as [string, ...string[]], location }
}

function mustBeServer(url: string): void {
  if (!URL.canParse(url) || new URL(url).host === '') {
    throw wrong('must name a host, such as redis://localhost:6379')
  }
  const { pathname, username, password } = new URL(url)
  if (!/^(\/\d*)?$/.test(pathname)) {
    throw wrong(`has as its path the number of its database, such as /1, got ${pathname}`)
  }
  if (/%(?![0-9a-f]{2})/i.test(username + password)) {
    throw wrong('has %25 for a percent sign in the user or the password')
  }
}

/** The same server's URL with another host and port. */
export function atHost(url: string, host: string, port: number): string {
  const at = new URL(url)
  at.host = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return at.href
}

function splitAtLast(text: string, mark: string): [string, string] {
  const at = text.lastIndexOf(mark)
  return [text.slice(0, at), text.slice(at + 1)]
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_options', `The URL of a Redis ${sentence}.`)
}
