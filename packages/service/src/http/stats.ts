import { formatTimestamp } from '@tradpal/event-system'
import { mayKnowGroup, mayReadAll } from '@tradpal/event-system/access'
import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { ReadableLetters } from './readable-letters.ts'
import { messageId, orNull } from './schemas.ts'
import { spool, spoolOf } from './spool-state.ts'

const group = Type.Object({
  name: Type.String(),
  consumers: Type.Integer(),
  pending: Type.Integer({ description: 'Handed out and not yet acknowledged.' }),
  'last-delivered-id': messageId,
  lag: orNull(Type.Integer({ description: 'Not yet handed out; null where the log cannot tell.' }))
})

const stats = Type.Object({
  stream_length: orNull(
    Type.Integer({ description: 'null to who may not read every event type, as all that tells of the log as a whole.' })
  ),
  first_entry: orNull(messageId),
  last_entry: orNull(messageId),
  first_entry_at: orNull(Type.String({ description: 'When the log took it.' })),
  last_entry_at: orNull(Type.String()),
  consumer_groups: Type.Integer(),
  groups: Type.Array(group),
  dead_letters: Type.Integer(),
  deduplication_entries: orNull(Type.Integer({ description: 'Event ids in the deduplication window.' })),
  bytes: orNull(Type.Integer({ description: 'What the log takes, about.' })),
  spool: Type.Optional(spool),
  log: Type.String(),
  location: Type.String()
})

export function statsRoute(app: App, { system }: AppContext): void {
  app.get(
    '/events/stats',
    {
      config: { access: { scope: 'stats' }, audit: 'nothing' },
      schema: { tags: ['monitor'], summary: 'How the log stands', response: { 200: stats, ...problemResponses } }
    },
    async ({ principal }) => {
      const all = mayReadAll(principal)
      const {
        length,
        first,
        last,
        groups,
        deadLetters,
        deduplicationEntries,
        bytes,
        log,
        location,
        spool: waiting
      } = await system.getEventStats()
      const [begin, end] = all ? [first, last] : [null, null]
      return {
        stream_length: all ? length : null,
        first_entry: begin?.messageId ?? null,
        last_entry: end?.messageId ?? null,
        first_entry_at: begin && formatTimestamp(begin.appendedAt),
        last_entry_at: end && formatTimestamp(end.appendedAt),
        consumer_groups: groups.length,
        groups: groups
          .filter(({ name }) => mayKnowGroup(principal, name))
          .map(({ name, consumers, pending, lastDelivered, lag }) => ({
            name,
            consumers: consumers.length,
            pending,
            'last-delivered-id': lastDelivered,
            lag
          })),
        dead_letters: all ? deadLetters : await new ReadableLetters(system.deadLetters, principal).count({}),
        deduplication_entries: all ? deduplicationEntries : null,
        bytes: all ? bytes : null,
        ...(waiting === null ? {} : { spool: spoolOf(waiting) }),
        log,
        location
      }
    }
  )
}
