import type { SpoolStats } from '@tradpal/event-system'
import Type from 'typebox'

export const spool = Type.Object({
  location: Type.String(),
  events: Type.Integer({ description: 'What waits there to come into the log.' }),
  bytes: Type.Integer({ description: 'Of these events, and of those that were refused.' }),
  max_bytes: Type.Integer(),
  oldest_seconds: Type.Union([Type.Number(), Type.Null()]),
  spooled: Type.Integer({ description: 'Events put in since the start.' }),
  drained: Type.Integer({ description: 'Events brought into the log since the start.' }),
  refused: Type.Integer({
    description:
      'Events that never come into the log, since their event ids stand for other events there: they are kept until an operator discards them.'
  })
})

export function spoolOf({ location, events, bytes, maxBytes, oldestMs, spooled, drained, refused }: SpoolStats) {
  const oldestSeconds = oldestMs === null ? null : Math.round(oldestMs / 100) / 10
  return { location, events, bytes, max_bytes: maxBytes, oldest_seconds: oldestSeconds, spooled, drained, refused }
}
