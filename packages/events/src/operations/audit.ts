/** Every action that the audit log can hold. */
export const AUDIT_ACTIONS = [
  'events.published',
  'events.replayed',
  'deliveries.settled',
  'dead_letters.requeued',
  'dead_letters.discarded',
  'log.trimmed',
  'log.rekeyed',
  'subjects.shredded',
  'keys.created',
  'keys.rotated',
  'keys.revoked',
  'groups.moved',
  'groups.changed',
  'groups.removed',
  'delivery_key.rotated',
  'audit.trimmed',
  'request.refused',
  'answer.ended'
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/**
 * How an action ended. `begun`: it was about to be done, and another entry with the same request id says how it ended; when there is
 * none, nobody knows. `spooled`: the events wait on the disk of the process.
 */
export const AUDIT_OUTCOMES = ['begun', 'done', 'spooled', 'refused', 'failed'] as const
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]
