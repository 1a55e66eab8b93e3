import { EventStats } from '@tradpal/event-api'
import { formatTimestamp } from '@tradpal/event-system'
import { mayKnowGroup, mayReadAll } from '@tradpal/event-system/access'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { ReadableLetters } from './readable-letters.ts'
import { spoolOf } from './spool-state.ts'

export function statsRoute(app: App, { system }: AppContext): void {
  app.get(
    '/events/stats',
    {
      config: { access: { scope: 'stats' }, audit: 'nothing' },
      schema: {
        operationId: 'getEventStats',
        tags: ['monitor'],
        summary: 'How the log stands',
        response: { 200: EventStats, ...problemResponses }
      }
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
