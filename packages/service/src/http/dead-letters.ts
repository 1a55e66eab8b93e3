import { type DeadLetter, EventSystemError, formatTimestamp } from '@tradpal/event-system'
import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { closed, deadLetter, limit } from './schemas.ts'
import { asItIs } from './wire-event.ts'

const params = Type.Object({ id: Type.String({ description: "The letter's own id." }) })

/** What consumer groups gave up on. */
export function deadLetterRoutes(app: App, { system }: AppContext): void {
  app.get(
    '/dead-letters',
    {
      ...asItIs,
      schema: {
        tags: ['dead letters'],
        summary: 'The dead letters, oldest first',
        querystring: closed({
          group: Type.Optional(Type.String({ minLength: 1, description: 'Only those of this consumer group.' })),
          after: Type.Optional(Type.String({ minLength: 1, description: 'Behind the letter of this id.' })),
          limit
        }),
        response: {
          200: Type.Object({ dead_letters: Type.Array(deadLetter), count: Type.Integer() }),
          ...problemResponses
        }
      }
    },
    async ({ query }) => {
      const letters = await system.log.deadLetters.list(query)
      return { dead_letters: letters.map(answerOf), count: letters.length }
    }
  )

  app.get(
    '/dead-letters/:id',
    {
      ...asItIs,
      schema: {
        tags: ['dead letters'],
        summary: 'One dead letter',
        params,
        response: { 200: deadLetter, ...problemResponses }
      }
    },
    async ({ params }) => {
      const letter = await system.log.deadLetters.get(params.id)
      if (letter !== undefined) return answerOf(letter)
      throw new EventSystemError('not_found', `There is no dead letter with the id ${params.id}.`)
    }
  )

  app.post(
    '/dead-letters/:id/requeue',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'Put an entry back to the group that gave it up',
        description: 'The letter is removed. 404 when there is none, 409 when its entry has left the log.',
        params,
        response: { 200: Type.Object({ status: Type.Literal('requeued'), id: Type.String() }), ...problemResponses }
      }
    },
    async ({ params }) => {
      await system.log.deadLetters.requeue(params.id)
      return { status: 'requeued' as const, id: params.id }
    }
  )
}

function answerOf({ messageId, deadAt, ...letter }: DeadLetter) {
  return { ...letter, message_id: messageId, dead_at: formatTimestamp(deadAt) }
}
