import { backoffMs, EventSystemError, parseJson } from '@tradpal/events'
import { type JsonParts, readObject } from './json-object.ts'
import type { ResolvedClientOptions } from './options.ts'
import { mayPass, parseRetryAfter, ServiceError, serviceErrorOf } from './service-error.ts'
import { tlsFailure } from './tls-failure.ts'

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** From the service's root, encoded: `/events`. */
  readonly path: string
  readonly query?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
  /** JSON. */
  readonly body?: string
  /**
   * Whether a failed attempt may be followed by another: `always` for what changes nothing, `deduplicated` for what the
   * service recognises within its window, `never` for what would be done twice.
   */
  readonly repeat: 'always' | 'deduplicated' | 'never'
  /** Default: the client's. */
  readonly timeoutMs?: number | undefined
}

/** An answer whose body is still coming. */
export interface ByteStream {
  /**
   * The next bytes; undefined at the end. Rejects with `service_unavailable` when the connection breaks, with
   * `service_timeout` when nothing comes for `silenceMs`, with `closed` after `close()`, and with `aborted` by the caller's signal.
   */
  read(silenceMs?: number): Promise<Uint8Array | undefined>
  /** Gives the connection up. Idempotent. */
  close(): void
}

/** A Retry-After is honoured up to here, so that no answer can hold a caller for an hour. */
const LONGEST_RETRY_AFTER_MS = 20_000

/** Speaks to the service: one request, its attempts, and everything that `close()` has to cut short. */
export class Transport {
  readonly options: ResolvedClientOptions
  readonly #underWay = new Set<AbortController>()
  readonly #streams = new Set<ByteStream>()
  #closed = false

  constructor(options: ResolvedClientOptions) {
    this.options = options
  }

  /** The answer's JSON as `read` takes it. Rejects with what {@link Transport.text} does and with `http_error` when `read` throws. */
  async json<T>(request: ServiceRequest, read: (body: unknown) => T, signal?: AbortSignal): Promise<T> {
    const readText = async (response: Response) => {
      const text = await this.#successText(request, response)
      try {
        return read(parseJson(text))
      } catch (cause) {
        throw unreadable(request, response.status, cause)
      }
    }
    return await this.#attempts(request, readText, signal)
  }

  /** The answer's text. Rejects with a {@link ServiceError}, `service_unavailable`, `service_timeout` or `closed`. */
  async text(request: ServiceRequest): Promise<string> {
    return await this.#attempts(request, (response) => this.#successText(request, response))
  }

  /** As {@link Transport.json}, but an error's body is an answer too when `read` takes it. */
  async report<T>(request: ServiceRequest, read: (body: JsonParts | undefined) => T | undefined): Promise<T> {
    return await this.#attempts(request, async (response) => {
      const text = await response.text()
      const { object, cause } = readObject(text)
      const report = read(object)
      if (report !== undefined) return report
      throw response.ok
        ? unreadable(request, response.status, cause ?? new Error('it is not what was asked for.'))
        : this.#refusal(request, response, text)
    })
  }

  /** Opens an answer of a content type that is read as it comes. Once it is open, nothing is repeated. */
  async stream(request: ServiceRequest, contentType: string, signal?: AbortSignal): Promise<ByteStream> {
    return await this.#attempts(
      request,
      async (response, abort) => {
        if (!response.ok) throw this.#refusal(request, response, await response.text())
        const received = response.headers.get('content-type') ?? 'no content type'
        if (received.split(';')[0]?.trim().toLowerCase() !== contentType) {
          throw unreadable(request, response.status, new Error(`it should be ${contentType}, and is ${received}.`))
        }
        return this.#byteStream(request, response, { abort, signal })
      },
      signal
    )
  }

  /** Waits before another attempt: the backoff, or longer when the service asked for it. */
  async pause(attempt: number, error: EventSystemError, signal?: AbortSignal): Promise<void> {
    const wait = this.#pauseMs(attempt, error)
    await this.#whileOpen((abort) => this.options.clock.sleep(wait, abort.signal), signal)
  }

  /** Cuts short what is under way, which rejects with `closed`. Idempotent. */
  close(): void {
    this.#closed = true
    for (const abort of this.#underWay) abort.abort(closedError())
    for (const stream of this.#streams) stream.close()
  }

  async #attempts<T>(
    request: ServiceRequest,
    read: (response: Response, abort: AbortController) => Promise<T>,
    signal?: AbortSignal
  ): Promise<T> {
    const startedAt = this.options.clock.now()
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request, read, signal)
      } catch (error) {
        if (!(error instanceof EventSystemError) || !this.#mayRepeat(request, attempt, error, startedAt)) throw error
        await this.pause(attempt, error, signal)
      }
    }
  }

  async #successText(request: ServiceRequest, response: Response): Promise<string> {
    const text = await response.text()
    if (!response.ok) throw this.#refusal(request, response, text)
    return text
  }

  #refusal(request: ServiceRequest, response: Response, text: string): ServiceError {
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), this.options.clock.now())
    const { object: problem, cause } = readObject(text)
    return serviceErrorOf(callOf(request), { status: response.status, problem, cause, retryAfterMs })
  }

  #mayRepeat(request: ServiceRequest, attempt: number, error: EventSystemError, startedAt: number): boolean {
    if (request.repeat === 'never' || attempt > this.options.retries || !mayPass(error)) return false
    if (request.repeat === 'always') return true
    const { clock, timeoutMs, backoff, deduplicationWindowMs } = this.options
    const longestPause = Math.max(backoff.maxMs, askedMs(error))
    return clock.now() + longestPause + timeoutMs - startedAt <= deduplicationWindowMs
  }

  #pauseMs(attempt: number, error: EventSystemError): number {
    return Math.max(backoffMs(attempt, this.options.backoff, this.options.random), askedMs(error))
  }

  async #attempt<T>(
    request: ServiceRequest,
    read: (response: Response, abort: AbortController) => Promise<T>,
    signal: AbortSignal | undefined
  ): Promise<T> {
    const timeoutMs = request.timeoutMs ?? this.options.timeoutMs
    return await this.#whileOpen(
      (abort) =>
        this.#within(
          timeoutMs,
          request,
          abort,
          async () => await read(await this.#answer(request, abort.signal), abort)
        ),
      signal
    )
  }

  /** A credential that has expired is renewed, once: what was refused with 401 was not begun. */
  async #answer(request: ServiceRequest, signal: AbortSignal): Promise<Response> {
    const { credential } = this.options
    const shown = await credential?.current()
    const response = await this.#fetch(request, signal, shown)
    if (response.status !== 401 || shown === undefined || credential?.isRenewable !== true) return response
    await response.body?.cancel()
    return await this.#fetch(request, signal, await credential.renewed(shown))
  }

  async #fetch(request: ServiceRequest, signal: AbortSignal, token: string | undefined): Promise<Response> {
    const query = request.query === undefined || request.query.size === 0 ? '' : `?${request.query}`
    const json = request.body === undefined ? {} : { 'content-type': 'application/json' }
    const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return await this.options.fetch(`${this.options.url}${request.path}${query}`, {
      method: request.method,
      headers: { accept: 'application/json', ...this.options.headers, ...bearer, ...json, ...request.headers },
      ...(request.body !== undefined && { body: request.body }),
      signal
    })
  }

  /** Runs what `close()` and the caller's signal can cut short, and names what happens to it. */
  async #whileOpen<T>(work: (abort: AbortController) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw closedError()
    const abort = new AbortController()
    const follow = () => abort.abort(abortedError())
    if (signal?.aborted) follow()
    signal?.addEventListener('abort', follow, { once: true })
    this.#underWay.add(abort)
    try {
      return await work(abort)
    } finally {
      signal?.removeEventListener('abort', follow)
      this.#underWay.delete(abort)
    }
  }

  async #within<T>(
    timeoutMs: number,
    request: ServiceRequest,
    abort: AbortController,
    work: () => Promise<T>
  ): Promise<T> {
    const finished = new AbortController()
    const expiry = this.options.clock.sleep(timeoutMs, finished.signal).then(() => {
      abort.abort(
        new EventSystemError('service_timeout', `The service did not answer ${callOf(request)} within ${timeoutMs} ms.`)
      )
      throw abort.signal.reason
    })
    expiry.catch(() => {})
    try {
      return await Promise.race([work(), expiry])
    } catch (error) {
      const named = this.#named(error, request, abort.signal)
      // What is left of an answer that nobody will read must not keep its connection.
      abort.abort(named)
      throw named
    } finally {
      finished.abort()
    }
  }

  #named(error: unknown, request: ServiceRequest, signal: AbortSignal): EventSystemError {
    if (signal.aborted) return signal.reason
    if (error instanceof EventSystemError) return error
    const where = `${callOf(request)} at ${this.options.url}`
    const mistake = tlsFailure(error)
    if (mistake !== undefined) {
      const sentence = `The service cannot be reached by TLS, ${where}: ${mistake}.`
      return new EventSystemError('service_unavailable', sentence, { cause: error, retryable: false })
    }
    return new EventSystemError(
      'service_unavailable',
      `The service cannot be reached, or the connection broke: ${where}.`,
      { cause: error }
    )
  }

  #byteStream(
    request: ServiceRequest,
    response: Response,
    { abort, signal }: { readonly abort: AbortController; readonly signal: AbortSignal | undefined }
  ): ByteStream {
    const reader = response.body?.getReader()
    const readNext = async () => {
      const next = await reader?.read()
      // A body that was given up ends as one that is whole.
      abort.signal.throwIfAborted()
      return next?.value
    }
    const end = (reason: EventSystemError) => {
      this.#streams.delete(stream)
      signal?.removeEventListener('abort', onAbort)
      abort.abort(reason)
      reader?.cancel().catch(() => {})
    }
    const onAbort = () => end(abortedError())
    const stream: ByteStream = {
      close: () => end(closedError()),
      read: async (silenceMs) => {
        if (silenceMs !== undefined) return await this.#within(silenceMs, request, abort, readNext)
        try {
          return await readNext()
        } catch (error) {
          throw this.#named(error, request, abort.signal)
        }
      }
    }
    signal?.addEventListener('abort', onAbort)
    this.#streams.add(stream)
    return stream
  }
}

function unreadable(request: ServiceRequest, status: number, cause: unknown): ServiceError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `The service's answer to ${callOf(request)}, status ${status}, cannot be read: ${why}`
  return new ServiceError('http_error', message, { status, cause })
}

function askedMs(error: EventSystemError): number {
  return error instanceof ServiceError ? Math.min(error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) : 0
}

function callOf(request: ServiceRequest): string {
  return `${request.method} ${request.path}`
}

function closedError(): EventSystemError {
  return new EventSystemError('closed', 'The client is closed.')
}

function abortedError(): EventSystemError {
  return new EventSystemError('aborted', "The caller's signal was aborted.")
}
