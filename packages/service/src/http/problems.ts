import type { Socket } from 'node:net'
import { Problem } from '@tradpal/event-api'
import { type ErrorCode, EventSystemError } from '@tradpal/event-system'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isHttp2 } from '../tls/index.ts'
import { endSoon } from './deadlines.ts'
import { MethodTable } from './method-table.ts'
import { invalidRequest } from './request-faults.ts'

/** A problem document of the service, whose code is one of the event system's. */
export type ServiceProblem = Problem & { readonly code: ErrorCode }

/** What an operation may answer beside its success, for the API's description. */
export const problemResponses = {
  '4xx': describedAs('The request was refused, and changed nothing unless the code says so: a problem document.'),
  '5xx': describedAs('The service could not do it: a problem document.')
}

function describedAs(description: string) {
  return { description, content: { 'application/problem+json': { schema: Problem } } }
}

/** The status with which each code is answered. */
export const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_json: 400,
  invalid_event: 400,
  invalid_data: 400,
  not_representable: 400,
  unknown_event_type: 400,
  invalid_event_type: 400,
  invalid_options: 500,
  invalid_argument: 400,
  invalid_message_id: 400,
  not_found: 404,
  unsupported: 501,
  entry_trimmed: 409,
  not_started: 503,
  closed: 503,
  aborted: 503,
  log_unavailable: 503,
  log_moved: 503,
  log_timeout: 504,
  log_busy: 503,
  log_full: 503,
  spool_full: 503,
  publisher_busy: 503,
  log_read_only: 503,
  log_refused: 500,
  log_incompatible: 500,
  log_failed: 500,
  handler_failed: 500,
  handler_timeout: 500,
  delivery_lost: 409,
  step_interrupted: 500,
  group_conflict: 409,
  version_conflict: 409,
  event_id_conflict: 409,
  key_missing: 503,
  shredded: 410,
  decryption_failed: 500,
  unknown_encoding: 500,
  not_encrypted: 500,
  invalid_signature: 500,
  unauthenticated: 401,
  issuer_unavailable: 503,
  forbidden: 403,
  rate_limited: 429,
  audit_unavailable: 503,
  service_unavailable: 503,
  service_timeout: 504,
  http_error: 500,
  payload_too_large: 413,
  unsupported_media_type: 415
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Gateway Timeout'
}

/** What HTTP has a status of its own for, and the codes have none. */
export class HttpRefusal extends Error {
  readonly status: number
  readonly error: EventSystemError

  constructor(status: number, error: EventSystemError) {
    super(error.message, { cause: error })
    this.status = status
    this.error = error
  }
}

/** Any error as a problem. What is no error of ours is not told to the caller: it is in the service's log. */
export function toProblem(error: unknown, instance: string, request?: FastifyRequest): ServiceProblem {
  if (error instanceof EventSystemError) return problem(STATUS[error.code], error, instance)
  if (error instanceof HttpRefusal) return problem(error.status, error.error, instance)
  const known = asEventSystemError(error as FastifyError, request)
  if (known !== undefined) return problem((error as FastifyError).statusCode ?? STATUS[known.code], known, instance)
  const hidden = new EventSystemError('http_error', 'The service failed to answer; its log says why.')
  return problem(500, hidden, instance)
}

function problem(status: number, error: EventSystemError, instance: string): ServiceProblem {
  const { code, message, pointer, errors, index, streamKey, expectedVersion, actualVersion, conflicts } = error
  return {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    detail: cut(message),
    instance: cut(instance),
    code,
    ...(pointer === undefined ? {} : { pointer: cut(pointer) }),
    ...(errors && { errors: errors.map((fault) => ({ pointer: cut(fault.pointer), detail: cut(fault.detail) })) }),
    ...(index === undefined ? {} : { index }),
    ...(streamKey === undefined ? {} : { stream_key: streamKey }),
    ...(expectedVersion === undefined ? {} : { expected_version: expectedVersion }),
    ...(actualVersion === undefined ? {} : { actual_version: actualVersion }),
    ...(conflicts === undefined ? {} : { conflicts: [...conflicts] })
  }
}

/** What is wrong may be large itself, and is sent back and logged: of it there is the beginning. */
const LONGEST = 2_000

/** Well-formed: a name in a refused body may have a lone surrogate, and Python cannot print an answer that has one. */
function cut(text: string): string {
  return (text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text).toWellFormed()
}

/** What Fastify itself refuses. */
function asEventSystemError(error: FastifyError, request: FastifyRequest | undefined): EventSystemError | undefined {
  if (error.validation !== undefined) return invalidRequest(error, request)
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new EventSystemError('unsupported_media_type', mediaTypeSentence(request))
    default:
      if (error.statusCode === undefined || error.statusCode >= 500) return undefined
      return new EventSystemError('invalid_argument', `${error.message.replace(/\.$/, '')}.`)
  }
}

function mediaTypeSentence(request: FastifyRequest | undefined): string {
  const taken = request?.routeOptions.config.takes ?? ['application/json']
  const given = request?.headers['content-type'] ?? 'none'
  return `The body must be sent as Content-Type: ${taken.join(' or ')}, got ${given}.`
}

export type OnProblem = (problem: ServiceProblem, error: unknown) => void

/** Makes every error that an endpoint throws, and every path and method that there is not, a problem document. */
export function answerProblems(app: FastifyInstance, onProblem: OnProblem): void {
  const methods = new MethodTable()
  app.addHook('onRoute', ({ method, url }) => methods.add(url, [method].flat()))
  // `GET /events/replay` is no event with the message id `replay`: the path has a method of its own.
  app.addHook('preParsing', (request, reply, payload, done) => {
    const isOfAnyName = request.routeOptions.url?.includes(':') === true
    const path = request.url.split('?')[0] ?? ''
    const allowed = isOfAnyName ? methods.named(path) : []
    if (allowed.length === 0) return done(null, payload)
    reply.header('allow', allowed.join(', '))
    done(new HttpRefusal(405, otherMethod(request, path, allowed)))
  })
  app.setErrorHandler((error, request, reply) => {
    const found = toProblem(error, request.url, request)
    onProblem(found, error)
    return sendProblem(reply, found, error)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const allowed = methods.of(path)
    if (allowed.length > 0) reply.header('allow', allowed.join(', '))
    const found =
      allowed.length === 0 ? noSuchPath(request, path) : problem(405, otherMethod(request, path, allowed), request.url)
    onProblem(found, undefined)
    return sendProblem(reply, found)
  })
}

/** For what Fastify refuses before it has found a route: a path that is no path. */
export function answerFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, toProblem(error, request.url))
}

/** For what is no HTTP at all, or took too long to come: the connection is closed behind the answer. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // Nothing can be said in TLS before its handshake.
  if (error.code === 'ECONNRESET' || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, sentence] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'The request did not arrive in time (EVENT_HEADERS_TIMEOUT_MS, EVENT_REQUEST_TIMEOUT_MS).']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'The headers of the request are too large.']
        : [400, 'The request is not HTTP/1.1.']
  refuseOverSocket(socket, status, new EventSystemError('invalid_argument', sentence))
}

/** Answers with a problem document where there is no request to answer, and closes the connection. */
export function refuseOverSocket(socket: Socket, status: number, error: EventSystemError): void {
  const body = JSON.stringify(problem(status, error, ''))
  const head = `HTTP/1.1 ${status} ${TITLES[status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  socket.write(`${head}${body}`)
  endSoon(socket)
}

function noSuchPath({ method, url }: FastifyRequest, path: string): ServiceProblem {
  return problem(
    404,
    new EventSystemError('not_found', `There is no ${method} ${path}; GET /docs shows what there is.`),
    url
  )
}

function otherMethod({ method }: FastifyRequest, path: string, allowed: readonly string[]): EventSystemError {
  return new EventSystemError('invalid_argument', `${path} takes ${allowed.join(' or ')}, not ${method}.`)
}

function sendProblem(reply: FastifyReply, found: ServiceProblem, error?: unknown): FastifyReply {
  const waitMs = error instanceof EventSystemError ? error.retryAfterMs : undefined
  if (found.status === 503 || found.status === 429) reply.header('retry-after', String(secondsOf(waitMs ?? 0)))
  // Fastify closes the connection behind a body that it does not take. By HTTP/2 its stream ends, and Node warns of the header.
  if (isHttp2(reply.request.raw)) reply.removeHeader('connection')
  if (found.status === 401) reply.header('www-authenticate', 'Bearer realm="tradpal-events"')
  return reply.code(found.status).type('application/problem+json').serializer(JSON.stringify).send(found)
}

/** As Retry-After has it: whole seconds, and at least one. */
export function secondsOf(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1_000))
}
