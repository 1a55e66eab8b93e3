import { randomUUID } from 'node:crypto'
import {
  type Event,
  type EventSystemError,
  type JsonObject,
  type PublishReceipt,
  parseJson
} from '@tradpal/event-system'
import { isOperator, STRANGER } from '@tradpal/event-system/access'
import type { Actor, Audit, AuditAction, AuditResult, Begun, Refusal } from '@tradpal/event-system/audit'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { toProblem } from './problems.ts'

/** Done too often for entries of their own: the endpoints count them. */
type Counted = 'events.published' | 'deliveries.settled'

/**
 * What the audit log calls what an endpoint does. `nothing`: it reads. What is counted is written within a second. All else is
 * written before it is done, and is not done when it cannot be.
 */
export type AuditRule = 'nothing' | Counted | Recorded

interface Recorded {
  readonly action: Exclude<AuditAction, Counted | 'audit.trimmed' | 'request.refused' | 'answer.ended'>
  /** Ids, counts and filters; undefined when the request changes nothing, and nothing is written then. Default: what the path names. */
  readonly what?: (request: AuditedRequest) => JsonObject | undefined
  /** What there is to say of the answer: ids and counts. */
  readonly result?: (answer: JsonObject) => JsonObject
}

/** A request as the schemas of its endpoint have let it in. */
interface AuditedRequest {
  readonly params: JsonObject
  readonly query: JsonObject
  readonly body: JsonObject
}

/** Where what endpoints do is recorded: before it is done, and behind it. */
export interface Recorder {
  /** Resolves to undefined where the action is not recorded. Rejects with `audit_unavailable`: it must not be done then. */
  begin(action: AuditAction, actor: Actor, what: JsonObject): Promise<Begun | undefined>
  finish(begun: Begun, result: AuditResult): Promise<void>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What is recorded of who calls the endpoint. Every one says it. */
    audit?: AuditRule
  }
  interface FastifyInstance {
    /** Where publishes, settlements and refusals are counted. Undefined where nobody counts them. */
    audit: Audit | undefined
  }
  interface FastifyRequest {
    /** What was written before it is done, until it is written what came of it. */
    begun: Begun | undefined
    /** What the log was asked to take. */
    offered: readonly Event[] | undefined
    /** Why an answer that lasts was ended: the code. */
    endedBy: string | undefined
  }
}

/** Records what endpoints do, as their configuration says. An endpoint that does not say it cannot be added. */
export function recordActions(app: FastifyInstance, recorder: Recorder | undefined): void {
  app.decorateRequest('begun', undefined)
  app.decorateRequest('endedBy', undefined)
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(route)
    const rule = route.config?.audit
    if (recorder !== undefined && typeof rule === 'object') record(route, rule, recorder)
  })
  app.addHook('onReady', async () => {
    for (const { method, url, config } of routes) {
      if (config?.audit === undefined) throw new Error(`${method} ${url} does not say what is recorded (config.audit).`)
    }
  })
}

/** Counts what endpoints publish, what fails, and what they refuse. */
export function countRequests(app: FastifyInstance, audit: Audit | undefined): void {
  app.decorate('audit', audit)
  app.decorateRequest('offered', undefined)
  if (audit === undefined) return
  app.addHook('onError', async (request, _reply, error) => {
    const { code, status } = toProblem(error, request.url, request)
    const { principal, offered, begun, endedBy } = request
    if (offered !== undefined && status >= 500) {
      audit.published(principal, { eventTypes: typesOf(offered), outcome: 'failed', code })
    }
    // What was begun, and what was ended, says itself what came of it.
    if (!REFUSALS.includes(status) || begun !== undefined || endedBy !== undefined) return
    audit.refused(actorOf(request), refusalOf(request, 'request.refused', code))
  })
}

const REFUSALS: readonly number[] = [401, 403, 429]

/** Records that an answer which lasts was ended, since its caller may have it no more. */
export function noteEnded(request: FastifyRequest, { code }: EventSystemError): void {
  request.endedBy = code
  request.server.audit?.refused(actorOf(request), refusalOf(request, 'answer.ended', code))
}

function refusalOf({ method, routeOptions, begun }: FastifyRequest, action: Refusal['action'], code: string): Refusal {
  // The route as it was defined, `/groups/:group`: callers write what they like into paths.
  const what = { method, route: routeOptions.url ?? 'none' }
  return { action, code, what, requestId: begun?.draft.requestId ?? randomUUID() }
}

/** Counts what a request published of what it {@link FastifyRequest.offered}, for an endpoint whose rule says so. A hook for it would cost each publish more than the counting. */
export function notePublished(
  { principal, offered, server: { audit } }: FastifyRequest,
  receipts: readonly PublishReceipt[]
): void {
  const [first, last] = [receipts[0], receipts.at(-1)]
  if (audit === undefined || offered === undefined || first === undefined || last === undefined) return
  const outcome = first.status === 'spooled' ? 'spooled' : 'done'
  audit.published(principal, {
    eventTypes: typesOf(offered),
    outcome,
    first: first.messageId,
    last: last.messageId
  })
}

function typesOf(events: readonly Event[]): string[] {
  return events.map(({ eventType }) => eventType)
}

function record(route: RouteOptions, { action, what = byPath, result }: Recorded, recorder: Recorder): void {
  route.preHandler = hooksOf(route.preHandler, async (request: FastifyRequest) => {
    const { params, query, body } = request as { params: JsonObject; query: JsonObject; body: unknown }
    const said = what({ params, query, body: (body ?? {}) as JsonObject })
    if (said !== undefined) request.begun = await recorder.begin(action, actorOf(request), said)
  })
  const finish = async (request: FastifyRequest, { statusCode }: FastifyReply, answer: JsonObject) => {
    const { begun, endedBy } = request
    if (begun === undefined) return
    request.begun = undefined
    const { code } = answer
    if (endedBy !== undefined) await recorder.finish(begun, { outcome: 'refused', code: endedBy })
    else if (statusCode >= 400) {
      const outcome = REFUSALS.includes(statusCode) ? 'refused' : 'failed'
      await recorder.finish(begun, { outcome, ...(typeof code === 'string' ? { code } : {}) })
    } else await recorder.finish(begun, { outcome: 'done', what: result?.(answer) ?? {} })
  }
  // Before the answer goes out.
  route.onSend = hooksOf(route.onSend, async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    if (request.begun !== undefined) await finish(request, reply, answerOf(payload))
    return payload
  })
  // Of an answer that was streamed.
  route.onResponse = hooksOf(route.onResponse, async (request: FastifyRequest, reply: FastifyReply) => {
    await finish(request, reply, {})
  })
}

function byPath({ params }: AuditedRequest): JsonObject {
  return { ...params }
}

function answerOf(payload: unknown): JsonObject {
  return typeof payload === 'string' && payload.startsWith('{') ? (parseJson(payload) as JsonObject) : {}
}

function hooksOf<Hook>(before: unknown, hook: Hook): Hook[] {
  return before === undefined ? [hook] : [...([before].flat() as Hook[]), hook]
}

/** An operator comes from no address: it is this process. */
function actorOf({ principal = STRANGER, ip }: FastifyRequest): Actor {
  const { name, proof, keyId } = principal
  const address = isOperator(principal) ? {} : { address: ip }
  return { principal: name, proof, ...address, ...(keyId === undefined ? {} : { keyId }) }
}
