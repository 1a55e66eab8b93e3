import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { counted, EventSystemError } from '@tradpal/event-system'
import { errorCodes, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Caller, Shares } from '../limits/index.ts'
import { isHttp2 } from '../tls/index.ts'
import { callerOf } from './callers.ts'
import { HttpRefusal } from './problems.ts'
import { whenOver } from './when-over.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

declare module 'fastify' {
  interface FastifyRequest {
    /** How large the body is, as it came. */
    bodyBytes: number
    /** The bytes of the body that are in memory. Undefined for GET and HEAD. */
    heldBody: HeldBody | undefined
  }
}

export interface RequestBodiesOptions {
  readonly shares: Shares
  /** The time for a body by HTTP/2 to arrive. Node bounds it for HTTP/1.1. */
  readonly requestTimeoutMs: number
}

/**
 * Reads the bodies of requests, and bounds the bytes of all bodies in memory, in total and for each caller. A request beyond
 * the bound is refused while its body arrives. The bytes count until the response is over, or an answer that lasts begins.
 */
export class RequestBodies {
  readonly #options: RequestBodiesOptions

  constructor(options: RequestBodiesOptions) {
    this.#options = options
  }

  /** Runs after the guard, which identifies the caller. */
  addTo(app: FastifyInstance): void {
    app.decorateRequest('bodyBytes', 0)
    app.decorateRequest('heldBody', undefined)
    app.addHook('preParsing', (request, reply, payload, done) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        request.heldBody = new HeldBody(this.#options.shares, callerOf(request), reply.raw)
      }
      done(null, payload)
    })
  }

  /**
   * Bodies of these content types, and no others, reach a handler as their text: only the text tells whether a number
   * survives being read.
   */
  takeAsText(app: FastifyInstance, contentTypes: readonly string[]): void {
    for (const contentType of contentTypes) {
      app.addContentTypeParser(contentType, (request: FastifyRequest, _payload, done) => {
        this.#read(request, (error, body) => {
          if (body === undefined) return done(error)
          request.bodyBytes = body.length
          let text: string
          try {
            text = utf8.decode(body)
          } catch (cause) {
            return done(new EventSystemError('invalid_json', 'The body is not UTF-8, and so no JSON.', { cause }))
          }
          done(null, text)
        })
      })
    }
  }

  /** Bodies of any other content type are refused, unless they are empty: the head of a request does not always say so. */
  takeOthersWhereEmpty(app: FastifyInstance): void {
    app.addContentTypeParser('*', (request: FastifyRequest, _payload, done) => {
      this.#read(request, (error, body) => {
        if (body === undefined) return done(error)
        if (body.length === 0) return done(null, '')
        request.heldBody?.release()
        done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(request.headers['content-type']))
      })
    })
  }

  #read(request: FastifyRequest, done: (error: Error | null, body?: Buffer) => void): void {
    const { raw, heldBody, headers } = request
    const limit = request.routeOptions.bodyLimit
    const declared = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
    if (declared !== undefined && declared > limit) {
      done(tooLarge(limit))
      return
    }
    const incoming: IncomingMessage | Http2ServerRequest = raw
    const parts: Buffer[] = []
    let bytes = 0
    const stop = () => {
      clearTimeout(timer)
      incoming.off('data', onData).off('end', onEnd).off('error', fail)
    }
    const fail = (error: Error) => {
      stop()
      heldBody?.release()
      done(error)
    }
    const onData = (part: Buffer) => {
      bytes += part.length
      if (bytes > limit) return fail(tooLarge(limit))
      try {
        heldBody?.add(part.length)
      } catch (error) {
        return fail(error as Error)
      }
      parts.push(part)
    }
    const onEnd = () => {
      // By HTTP/2 a body that was cut off ends as one that is whole.
      if (incoming.aborted) return fail(gone())
      if (declared !== undefined && declared !== bytes) return fail(otherLength(declared, bytes))
      stop()
      done(null, Buffer.concat(parts, bytes))
    }
    const timer = isHttp2(raw) ? setTimeout(fail, this.#options.requestTimeoutMs, late()) : undefined
    incoming.on('data', onData).on('end', onEnd).on('error', fail)
  }
}

/** The bytes of one body that are in memory. */
class HeldBody {
  readonly #shares: Shares
  readonly #caller: Caller
  readonly #response: FastifyReply['raw']
  #bytes = 0
  #isAwaited = false

  constructor(shares: Shares, caller: Caller, response: FastifyReply['raw']) {
    this.#shares = shares
    this.#caller = caller
    this.#response = response
  }

  /** Counts these bytes until the response is over, or {@link release}. Throws `rate_limited` and `service_unavailable` when they exceed a bound. */
  add(bytes: number): void {
    if (!this.#isAwaited) whenOver(this.#response, () => this.release())
    this.#isAwaited = true
    this.#shares.take('body_bytes', this.#caller, bytes)
    this.#bytes += bytes
  }

  /** Idempotent. */
  release(): void {
    if (this.#bytes === 0) return
    this.#shares.give('body_bytes', this.#caller, this.#bytes)
    this.#bytes = 0
  }
}

/** Releases the body of a request whose answer lasts. */
export function letGoOfBody(request: FastifyRequest): void {
  request.body = undefined
  request.heldBody?.release()
}

function gone(): EventSystemError {
  return new EventSystemError('aborted', 'The caller went away.')
}

function tooLarge(limit: number): EventSystemError {
  const sentence = `The body is larger than the ${limit} bytes of EVENT_MAX_BODY_BYTES; send it in parts.`
  return new EventSystemError('payload_too_large', sentence)
}

function otherLength(declared: number, bytes: number): EventSystemError {
  const sentence = `The body has ${counted(bytes, 'byte')}, and Content-Length says ${declared}; the two must be equal.`
  return new EventSystemError('invalid_argument', sentence)
}

function late(): HttpRefusal {
  const sentence = 'The body did not arrive in time (EVENT_REQUEST_TIMEOUT_MS).'
  return new HttpRefusal(408, new EventSystemError('invalid_argument', sentence))
}
