import { AckResult, ExtendResult, GroupPath, NackRequest, NackResult, SettleRequest } from '@tradpal/event-api'
import { EventSystemError, messageIdOfDelivery, type SettleOptions } from '@tradpal/event-system'
import { mayRead, mayReadAll, type Principal } from '@tradpal/event-system/access'
import type { FastifyRequest } from 'fastify'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses, toProblem } from './problems.ts'

/** Acknowledging, extending and handing back deliveries that were pulled. */
export function settlingRoutes(app: App, { system }: AppContext): void {
  const { puller } = system

  app.post(
    '/groups/:group/ack',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'deliveries.settled' },
      preValidation: readBody,
      schema: {
        operationId: 'acknowledgeDeliveries',
        tags: ['consume'],
        summary: 'Say that deliveries are done',
        description: 'Those that are not yours any more are named in `lost`; 409 when that is all of them.',
        params: GroupPath,
        body: SettleRequest,
        response: { 200: AckResult, ...problemResponses }
      }
    },
    async (request) => {
      const { params, body, principal } = request
      const ids = body.delivery_ids
      return recorded(request, { ...params, ids }, async () => {
        const lost = await puller.acknowledge(params.group, ids, asWhom(principal))
        return { answer: { acknowledged: ids.length - lost.length, lost }, dead: [] }
      })
    }
  )

  app.post(
    '/groups/:group/extend',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'deliveries.settled' },
      preValidation: readBody,
      schema: {
        operationId: 'extendDeliveries',
        tags: ['consume'],
        summary: 'Say that you still work on deliveries: their leases start again',
        params: GroupPath,
        body: SettleRequest,
        response: { 200: ExtendResult, ...problemResponses }
      }
    },
    async (request) => {
      const { params, body, principal } = request
      const ids = body.delivery_ids
      return recorded(request, { ...params, ids }, async () => {
        const lost = await puller.extend(params.group, ids, asWhom(principal))
        return { answer: { extended: ids.length - lost.length, lost }, dead: [] }
      })
    }
  )

  app.post(
    '/groups/:group/nack',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'deliveries.settled' },
      preValidation: readBody,
      schema: {
        operationId: 'returnDeliveries',
        tags: ['consume'],
        summary: 'Hand deliveries back, as a failure with a reason or without one',
        params: GroupPath,
        body: NackRequest,
        response: { 200: NackResult, ...problemResponses }
      }
    },
    async (request) => {
      const { params, body, principal } = request
      const { delivery_ids: ids, reason, delay_ms: delayMs, reject = false } = body
      return recorded(request, { ...params, ids }, async () => {
        const { dead, lost } = await puller.nack(params.group, ids, {
          ...asWhom(principal),
          reject,
          ...(reason === undefined ? {} : { reason }),
          ...(delayMs === undefined ? {} : { delayMs })
        })
        const returned = ids.length - lost.length - dead.length
        return { answer: { returned, dead: dead.length, lost: [...lost] }, dead }
      })
    }
  )
}

/** A principal settles what was delivered to it, and only what it may still read. */
function asWhom(principal: Principal): SettleOptions {
  const { name } = principal
  if (mayReadAll(principal)) return { principal: name }
  return {
    principal: name,
    permit(eventType) {
      if (eventType !== null && mayRead(principal, eventType)) return
      const what = eventType === null ? 'an event whose type cannot be read' : `a ${eventType}`
      throw new EventSystemError('forbidden', `${name} may not settle ${what}, which it may not read.`)
    }
  }
}

interface Settled<Answer> {
  readonly answer: Answer
  /** The ids of deliveries that became dead letters. */
  readonly dead: readonly string[]
}

/** Settles deliveries, and records what became of them. Throws `delivery_lost` when none of them was the caller's any more. */
async function recorded<Answer extends { readonly lost: readonly string[] }>(
  request: FastifyRequest,
  { group, ids }: { readonly group: string; readonly ids: readonly string[] },
  settle: () => Promise<Settled<Answer>>
): Promise<Answer> {
  const { principal, server, url } = request
  const record = (counts: Record<string, number>, dead: readonly string[], code?: string) => {
    const [first, last] = [ids.at(0), ids.at(-1)].map((id) => messageIdOfDelivery(id ?? ''))
    const deadIds = dead.flatMap((id) => messageIdOfDelivery(id) ?? [])
    const failed = code === undefined ? {} : { code }
    server.audit?.settled(principal, { group, counts, first, last, dead: deadIds, ...failed })
  }
  try {
    const { answer, dead } = await settle()
    const counts = Object.fromEntries(
      Object.entries(answer).map(([name, value]) => [name, typeof value === 'number' ? value : answer.lost.length])
    )
    record(counts, dead)
    if (answer.lost.length < ids.length) return answer
  } catch (error) {
    const { code, status } = toProblem(error, url, request)
    if (status >= 500) record({ deliveries: ids.length }, [], code)
    throw error
  }
  const sentence =
    ids.length === 1
      ? 'The delivery is not yours any more: its lease ended, or it is settled.'
      : `None of the ${ids.length} deliveries is yours any more: their leases ended, or they are settled.`
  throw new EventSystemError('delivery_lost', sentence)
}
