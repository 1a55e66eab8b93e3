import { EventSystemError, messageIdOfDelivery, type SettleOptions } from '@tradpal/event-system'
import { mayRead, mayReadAll, type Principal } from '@tradpal/event-system/access'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { groupParameter } from './groups.ts'
import { problemResponses, toProblem } from './problems.ts'
import { closed } from './schemas.ts'

/** An id holds two names of 200 characters and what else a delivery takes, in base64: no genuine one is longer. */
const LONGEST_ID = 4_000

const deliveryIds = Type.Array(Type.String({ minLength: 1, maxLength: LONGEST_ID }), {
  minItems: 1,
  maxItems: 1_000,
  description: 'As pulled, by the same principal.'
})
const settleBody = closed({ delivery_ids: deliveryIds })
const nackBody = closed({
  delivery_ids: deliveryIds,
  reason: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2_000, description: 'What failed; without it, no failure is counted.' })
  ),
  delay_ms: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 86_400_000, description: 'Not to be handed out before. Default: a backoff.' })
  ),
  reject: Type.Optional(
    Type.Boolean({ default: false, description: 'Trying again cannot help: dead letters at once.' })
  )
})
const lost = Type.Array(Type.String(), { description: 'Those that were not yours any more.' })

/** Acknowledging, extending and handing back deliveries that were pulled. */
export function settlingRoutes(app: App, { system }: AppContext): void {
  const { puller } = system

  app.post(
    '/groups/:group/ack',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'deliveries.settled' },
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Say that deliveries are done',
        description: 'Those that are not yours any more are named in `lost`; 409 when that is all of them.',
        params: groupParameter,
        body: settleBody,
        response: { 200: Type.Object({ acknowledged: Type.Integer(), lost }), ...problemResponses }
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
        tags: ['consume'],
        summary: 'Say that you still work on deliveries: their leases start again',
        params: groupParameter,
        body: settleBody,
        response: { 200: Type.Object({ extended: Type.Integer(), lost }), ...problemResponses }
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
        tags: ['consume'],
        summary: 'Hand deliveries back, as a failure with a reason or without one',
        params: groupParameter,
        body: nackBody,
        response: {
          200: Type.Object({
            returned: Type.Integer(),
            dead: Type.Integer({ description: 'Dead letters now.' }),
            lost
          }),
          ...problemResponses
        }
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
