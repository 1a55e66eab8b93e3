import {
  type BackoffOptions,
  type Clock,
  EventSystemError,
  type OptionNames,
  onlyOptions,
  systemClock
} from '@tradpal/events'
import { Credential, checkedToken, type TokenSource } from './credential.ts'

export interface EventClientOptions {
  /** Where the service is, `http:` or `https:`, with a path when it is behind one. In a browser also relative to the page. Default `http://localhost:8011`. */
  readonly url?: string
  /** How long one attempt may take, from the request to the end of the answer; for a stream, to its beginning. Default 10,000. */
  readonly timeoutMs?: number
  /** How many further attempts follow one that failed for a reason that may pass. Default 3; 0 for none. */
  readonly retries?: number
  /** How long to wait between attempts, with full jitter. Default 100 ms, doubling up to 5,000 ms. */
  readonly backoff?: BackoffOptions
  /**
   * The service's window of deduplication. A publish is not tried again when the attempt could arrive after it, since it
   * could then become a second event. Default 120,000, as the service's.
   */
  readonly deduplicationWindowMs?: number
  /** An API key of the service, sent with every request and stream as `Authorization: Bearer …`. Default: none. */
  readonly apiKey?: string
  /**
   * A token, sent likewise, in place of a key; or a function that gives one. It is asked before the first request, and again when the
   * service answers 401: that request is then sent once more. Default: none.
   */
  readonly token?: TokenSource
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch
  readonly clock?: Clock
  /** At least 0, less than 1. Default `Math.random`. */
  readonly random?: () => number
}

const NAMES: OptionNames<EventClientOptions> = {
  url: true,
  timeoutMs: true,
  retries: true,
  backoff: true,
  deduplicationWindowMs: true,
  apiKey: true,
  token: true,
  headers: true,
  fetch: true,
  clock: true,
  random: true
}

export interface ResolvedClientOptions {
  /** Absolute, without a slash at its end. */
  readonly url: string
  readonly timeoutMs: number
  readonly retries: number
  readonly backoff: { readonly initialMs: number; readonly maxMs: number }
  readonly deduplicationWindowMs: number
  readonly credential: Credential | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  readonly random: () => number
}

/** setTimeout counts in 31 bits: a longer wait would end at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** Refuses with `invalid_options` what is wrong or contradicts itself. */
export function resolveClientOptions(options: EventClientOptions = {}): ResolvedClientOptions {
  onlyOptions('EventClient', options, NAMES)
  if (options.backoff !== undefined) onlyOptions('backoff', options.backoff, { initialMs: true, maxMs: true })
  const initialMs = waitMs('backoff.initialMs', options.backoff?.initialMs, 100)
  const maxMs = waitMs('backoff.maxMs', options.backoff?.maxMs, 5_000)
  if (initialMs > maxMs) {
    throw invalid(
      `backoff.initialMs (${initialMs}) is above backoff.maxMs (${maxMs}); the first wait cannot be the longest.`
    )
  }
  return {
    url: serviceUrl(options.url ?? 'http://localhost:8011'),
    timeoutMs: waitMs('timeoutMs', options.timeoutMs, 10_000),
    retries: wholeNumber('retries', options.retries, 3),
    backoff: { initialMs, maxMs },
    deduplicationWindowMs: waitMs('deduplicationWindowMs', options.deduplicationWindowMs, 120_000),
    credential: credentialOf(options),
    headers: checkedHeaders(options.headers),
    fetch: callable('fetch', options.fetch) ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? systemClock,
    random: callable('random', options.random) ?? Math.random
  }
}

/** A span of time that a timer can wait for. */
export function waitMs(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback
  if (Number.isFinite(value) && value > 0 && value <= LONGEST_WAIT_MS) return value
  throw invalid(
    `${name} must be a number of milliseconds above 0 and at most ${LONGEST_WAIT_MS}, got ${String(value)}.`
  )
}

function wholeNumber(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`${name} must be a whole number of at least 0, got ${String(value)}.`)
}

function callable<F>(name: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw invalid(`${name} must be a function, got ${typeof value}.`)
}

function serviceUrl(text: string): string {
  const url = parseUrl(text)
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalid(`url must be an http: or https: address such as http://localhost:8011, got ${JSON.stringify(text)}.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('url must not hold a name or a password; give credentials as apiKey or token.')
  }
  if (url.search !== '' || url.hash !== '') {
    throw invalid(`url must end with its path, without a query or a fragment, got ${JSON.stringify(text)}.`)
  }
  return url.href.replace(/\/+$/, '')
}

function parseUrl(text: string): URL | undefined {
  const page = (globalThis as { location?: { href: string } }).location?.href
  try {
    return new URL(text, page)
  } catch {
    return undefined
  }
}

function credentialOf({ apiKey, token, headers = {} }: EventClientOptions): Credential | undefined {
  if (apiKey === undefined && token === undefined) return undefined
  const isGivenTwice = apiKey !== undefined && token !== undefined
  if (isGivenTwice || Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) {
    throw invalid('apiKey, token and the header Authorization contradict each other: give the one that is meant.')
  }
  if (typeof token === 'function') return new Credential(token)
  return new Credential(token === undefined ? checkedToken('apiKey', apiKey) : checkedToken('token', token))
}

function checkedHeaders(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    try {
      new Headers({ [name]: value })
    } catch (cause) {
      // The value may be a secret: only the name is told.
      throw new EventSystemError(
        'invalid_options',
        `headers: ${JSON.stringify(name)} or its value is no valid HTTP header.`,
        { cause }
      )
    }
  }
  return { ...headers }
}

function invalid(message: string): EventSystemError {
  return new EventSystemError('invalid_options', message)
}
