import { EventSystemError } from '@tradpal/events'

/** Where a Redis is, as its URL says. */
export interface RedisAddress {
  /** `cluster`: the servers are some of its nodes, `sentinel`: some of the sentinels of a master, by which the others are found. */
  readonly kind: 'server' | 'cluster' | 'sentinel'
  /** Of each server a URL that the driver takes, with user and password; of a sentinel with those of the master. */
  readonly servers: readonly [string, ...string[]]
  /** With sentinels: the name that they know the master by. */
  readonly master?: string
  /** For people: without user and password. */
  readonly location: string
}

const SCHEME = /^(?:(rediss?)(?:\+(cluster|sentinel))?|(?:redis\+)?(unix)):\/\//
const HOST = /^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\%]+)(:\d{1,5})?$/i
const SENTINEL_PORT = 26_379

/** Whether what a URL names is reached by TLS. */
export function isTlsUrl(text: string): boolean {
  return text.startsWith('rediss')
}

/**
 * `redis://…` of a server, `redis+cluster://host:port,host:port` of a cluster, `redis+sentinel://host:port,host:port/master` of
 * what sentinels watch, each with `rediss` for TLS, and `redis+unix:///path` of a socket. User and password are all before
 * the last `@`, with `%25` for a percent sign. Throws `invalid_options`; no message repeats them.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const [all, scheme = '', kind = 'server', unix] = SCHEME.exec(text) ?? []
  if (all === undefined) {
    throw wrong('must begin with redis://, rediss:// or redis+unix://, such as redis://localhost:6379')
  }
  const rest = text.slice(all.length)
  return unix === undefined ? overNetwork(rest, scheme, kind as RedisAddress['kind']) : onThisMachine(rest)
}

function overNetwork(rest: string, scheme: string, kind: RedisAddress['kind']): RedisAddress {
  const [credentials, place] = splitAt(rest, rest.lastIndexOf('@'))
  const [, names = '', path = '', query = ''] = /^([^/?]*)([^?]*)\??(.*)$/s.exec(place) ?? []
  const hosts = names.split(',').map((host) => hostOf(host, kind))
  if (kind === 'server' && hosts.length > 1) {
    throw wrong(
      'names several servers: of a cluster it begins with redis+cluster://, of sentinels with redis+sentinel://'
    )
  }
  const [master, databasePath] = kind === 'sentinel' ? masterOf(path) : [undefined, path]
  const database = databaseOf(databasePath, query)
  if (kind === 'cluster' && database !== '') throw wrong('names a database: a cluster has only one')
  const end = database === '' ? '' : `/${database}`
  const servers = hosts.map((host) => `${scheme}://${encodeCredentials(credentials)}${host}${end}`)
  const prefix = kind === 'server' ? scheme : `${scheme}+${kind}`
  const middle = master === undefined ? '' : `/${encodeURIComponent(master)}`
  const location = `${prefix}://${names}${middle}${end}`
  const address = { kind, servers: servers as [string, ...string[]], location }
  return master === undefined ? address : { ...address, master }
}

/** Behind user and password, if there are any, stands the path of the socket. */
function onThisMachine(rest: string): RedisAddress {
  const [credentials, place] = rest.startsWith('/') ? ['', rest] : splitAt(rest, rest.indexOf('@/'))
  const [, socket = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(place) ?? []
  const database = databaseOf('', query)
  if (!/^\/[^/]/.test(socket)) throw wrong('must have the path of a socket, such as redis+unix:///run/redis/redis.sock')
  const end = database === '' ? '' : `?db=${database}`
  const encoded = decoded(socket).split('/').map(encodeURIComponent).join('/')
  const url = `unix://${encodeCredentials(credentials)}${encoded}${end}`
  return { kind: 'server', servers: [url], location: `redis+unix://${socket}${end}` }
}

function hostOf(text: string, kind: RedisAddress['kind']): string {
  const [, host, port] = HOST.exec(text) ?? []
  if (host === undefined || !URL.canParse(`redis://${text}`)) {
    throw wrong('must name a host, and after a colon perhaps its port, such as redis://localhost:6379')
  }
  return kind === 'sentinel' && port === undefined ? `${host}:${SENTINEL_PORT}` : text
}

function masterOf(path: string): [name: string, databasePath: string] {
  const [, name = '', rest = ''] = /^\/([^/]*)(\/.*)?$/s.exec(path) ?? []
  if (name !== '') return [decoded(name), rest]
  throw wrong('of sentinels has as its path the name of the master, such as redis+sentinel://localhost:26379/mymaster')
}

/** The number of a database, as a path or as `db`; empty when there is none. */
function databaseOf(path: string, query: string): string {
  const parameters = [...new URLSearchParams(query)]
  if (parameters.some(([name, value]) => name !== 'db' || !/^\d+$/.test(value))) {
    throw wrong('takes no parameter but the number of its database, such as ?db=1')
  }
  if (!/^(\/\d*)?$/.test(path)) throw wrong(`has as its path the number of its database, such as /1, got ${path}`)
  const named = [path.slice(1), ...parameters.map(([, value]) => value)].filter((number) => number !== '')
  if (new Set(named).size > 1) throw wrong('names two databases')
  return named[0] ?? ''
}

/** As a URL has them, with the mark behind. What is not encoded yet may hold any character but a percent sign. */
function encodeCredentials(text: string): string {
  if (text === '') return ''
  const [user, password] = text.includes(':') ? splitAt(text, text.indexOf(':')) : [text, undefined]
  const encode = (part: string) => encodeURIComponent(decoded(part))
  return `${encode(user)}${password === undefined ? '' : `:${encode(password)}`}@`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('has %25 for a percent sign in the user, the password or the path')
  }
}

/** The same server's URL with another host and port. */
export function atHost(url: string, host: string, port: number): string {
  const at = new URL(url)
  at.host = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return at.href
}

/** What stands before the mark at an index, and what behind it: all of it where there is no mark. */
function splitAt(text: string, index: number): [before: string, behind: string] {
  return index < 0 ? ['', text] : [text.slice(0, index), text.slice(index + 1)]
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_options', `The URL of a Redis ${sentence}.`)
}
