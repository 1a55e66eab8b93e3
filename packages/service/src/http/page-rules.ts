import { isIPv4, isIPv6 } from 'node:net'
import type { Environment, EnvironmentReader } from '@tradpal/event-system'

/**
 * A browser sends requests for every page that it shows, to every address that its machine reaches, and shows the client
 * certificates of its machine by itself. So a page of anybody could act with the rights of that machine. These rules tell such
 * a page from a program and from a page of the service. They read what a page cannot choose: Host, Origin, Sec-Fetch-Site.
 */
export interface PagesConfiguration {
  /**
   * EVENT_ALLOWED_HOSTS: host names under which the service answers, beside addresses and names that only a private network has.
   * In lower case and without a port; `*.example.com` stands for every name below example.com. Default: none.
   */
  readonly allowedHosts: readonly string[]
  /** EVENT_ALLOWED_ORIGINS: origins whose pages may use the service, beside its own; written as browsers write them. Default: none. */
  readonly allowedOrigins: readonly string[]
}

/** The parts of a request that a browser alone writes. Undefined: the request does not have it. */
export interface PageRequest {
  readonly method: string
  /** The host and the port that the request asks for. */
  readonly authority: string | undefined
  readonly origin: string | undefined
  /** Sec-Fetch-Site. */
  readonly fetchSite: string | undefined
}

/** Names below these belong to this machine or to a private network: nobody can register one and point it elsewhere. */
const PRIVATE_SUFFIXES = ['.localhost', '.internal', '.svc', '.cluster.local']
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' }
/** A refused name or origin is quoted up to this many characters. */
const LONGEST_QUOTE = 200

/** Decides whether a request may come from a web page that must not use the service. */
export class PageRules {
  readonly #hosts: ReadonlySet<string>
  readonly #parents: readonly string[]
  readonly #origins: ReadonlySet<string>
  readonly #speaksTls: boolean

  /** `speaksTls`: a page of plain HTTP is never the service's own then. Otherwise a proxy may speak TLS for the service. */
  constructor({ allowedHosts, allowedOrigins }: PagesConfiguration, { speaksTls }: { speaksTls: boolean }) {
    this.#hosts = new Set(allowedHosts)
    this.#parents = allowedHosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1))
    this.#origins = new Set(allowedOrigins)
    this.#speaksTls = speaksTls
  }

  /** A sentence that says why the request is refused; undefined when it is not. */
  refusalOf({ method, authority, origin, fetchSite }: PageRequest): string | undefined {
    // No browser sends a request without a host: HTTP/1.0 programs do.
    if (authority !== undefined && authority !== '' && !this.#answersTo(authority)) {
      return `The service does not answer to the host ${quoted(authority)}: a web page may have pointed that name at it. If the name is the service's own, add it to EVENT_ALLOWED_HOSTS.`
    }
    if (origin !== undefined) {
      if (this.#origins.has(origin)) return undefined
      if (!this.#isOwn(origin, authority)) {
        return `The request comes from a web page of the origin ${quoted(origin)}, and the service answers only pages of its own. If that page may use the service, add its origin to EVENT_ALLOWED_ORIGINS.`
      }
    }
    if (fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none') return undefined
    if (method === 'GET' || method === 'HEAD') return undefined
    return `The request comes from a web page of elsewhere (Sec-Fetch-Site: ${quoted(fetchSite)}), and the service takes ${method} only from pages of its own. If that page may use the service, add its origin to EVENT_ALLOWED_ORIGINS.`
  }

  #answersTo(authority: string): boolean {
    const name = parsed(authority)?.name
    if (name === undefined) return false
    return isPrivateName(name) || this.#hosts.has(name) || this.#parents.some((parent) => name.endsWith(parent))
  }

  #isOwn(origin: string, authority: string | undefined): boolean {
    const [, scheme = '', place = ''] = /^(https?):\/\/(.*)$/.exec(origin) ?? []
    const [page, service] = [parsed(place), parsed(authority ?? '')]
    if (page === undefined || service === undefined) return false
    if (this.#speaksTls && scheme !== 'https') return false
    const port = DEFAULT_PORTS[scheme]
    return page.name === service.name && (page.port ?? port) === (service.port ?? port)
  }
}

/** Whether a page of a stranger can never have this name: an address, this machine, or a name of a private network. */
function isPrivateName(name: string): boolean {
  if (name.startsWith('[') || isIPv4(name) || !name.includes('.')) return true
  return PRIVATE_SUFFIXES.some((suffix) => name.endsWith(suffix))
}

/** `host:port`, the name in lower case and without a dot at its end; undefined for what is neither a name nor an address. */
function parsed(authority: string): { readonly name: string; readonly port: string | undefined } | undefined {
  const [, host = '', address, port] = /^(\[([^\]]*)\]|[^:]*)(?::(\d*))?$/.exec(authority.toLowerCase()) ?? []
  const name = host.replace(/\.$/, '')
  if (address === undefined ? !isName(name) : !isIPv6(address)) return undefined
  return { name, port: port === '' ? undefined : port }
}

function isName(text: string): boolean {
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(text)
}

function quoted(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text)
}

export function readPages(environment: Environment, read: EnvironmentReader): PagesConfiguration {
  return {
    allowedHosts: listOf(environment.EVENT_ALLOWED_HOSTS).map((entry) => {
      const name = entry.toLowerCase().replace(/\.$/, '')
      if (!isName(name.replace(/^\*\./, ''))) {
        read.wrong(
          `EVENT_ALLOWED_HOSTS must list host names by commas, without a scheme and a port, such as events.example.com or *.example.com; got ${quoted(entry)}.`
        )
      }
      return name
    }),
    allowedOrigins: listOf(environment.EVENT_ALLOWED_ORIGINS).map((entry) => {
      const origin = originOf(entry)
      if (origin === undefined) {
        read.wrong(
          `EVENT_ALLOWED_ORIGINS must list origins by commas, each a scheme and a host, such as https://console.example.com; got ${quoted(entry)}.`
        )
      }
      return origin ?? ''
    })
  }
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

/** As a browser writes it in Origin: in lower case, and without the port that its scheme has anyway. */
function originOf(text: string): string | undefined {
  const [, scheme = '', place = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/.exec(text.toLowerCase()) ?? []
  const found = parsed(place)
  if (found === undefined) return undefined
  const { name, port } = found
  return `${scheme}://${name}${port === undefined || port === DEFAULT_PORTS[scheme] ? '' : `:${port}`}`
}
