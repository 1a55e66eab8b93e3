import { GroupPath, PullRequest, PullResult } from '@tradpal/event-api'
import { EventSystemError } from '@tradpal/event-system'
import { mayReadAll, type Principal, readableTypes } from '@tradpal/event-system/access'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { placeOf } from './range.ts'
import { asItIs, wireOf } from './wire-event.ts'

/** Consuming for who speaks HTTP alone: pull, handle, and settle by what `settling.ts` has. */
export function pullingRoutes(app: App, { system, lasting }: AppContext): void {
  const { puller } = system

  app.post(
    '/groups/:group/pull',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'nothing' },
      ...asItIs,
      preValidation: readBody,
      schema: {
        operationId: 'pullEvents',
        tags: ['consume'],
        summary: 'Pull events of a group: they are yours for the time of the lease',
        description:
          'The group is made when it is not there; its first pull sets event_types and max_attempts, and a pull with others is refused with 409. An entry that is no event goes to its dead letters.',
        params: GroupPath,
        body: PullRequest,
        response: { 200: PullResult, ...problemResponses }
      }
    },
    async (request, reply) => {
      const { params, body, principal } = request
      const mayHave = (asker: Principal) => mustReadAllOf(asker, body.event_types)
      mayHave(principal)
      const { max = 100, wait_ms: waitMs = 0, consumer = 'http', lease_ms: leaseMs = 30_000 } = body
      const { event_types, max_attempts: maxAttempts } = body
      const answer = lasting.begin('pulls', { request, reply, mayHave })
      try {
        const pulled = await puller.pull({
          group: params.group,
          consumer,
          principal: principal.name,
          max,
          waitMs,
          leaseMs,
          mayAdopt: mayReadAll(principal),
          from: placeOf('from', ['new', 'start'], body.from ?? 'new'),
          signal: answer.signal,
          ...(maxAttempts === undefined ? {} : { maxAttempts }),
          ...(event_types === undefined ? {} : { eventTypes: event_types })
        })
        const deliveries = pulled.map(({ deliveryId, attempt, event }) => {
          return { delivery_id: deliveryId, attempt, event: wireOf(event) }
        })
        return { deliveries, count: deliveries.length, lease_ms: leaseMs }
      } finally {
        answer.end()
      }
    }
  )
}

/** A group delivers events of the types that its pulls name: the caller must be allowed to read those, and every type where the pull names none. */
function mustReadAllOf(principal: Principal, types: readonly string[] | undefined): void {
  if (mayReadAll(principal)) return
  if (types !== undefined && !types.includes('*')) {
    readableTypes(principal, types)
    return
  }
  const sentence = `${principal.name} may not read every event type: say in event_types which are wanted.`
  throw new EventSystemError('forbidden', sentence, { pointer: '/event_types' })
}
