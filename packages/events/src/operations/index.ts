/** What the library and the client of a service tell operators and publishers in the same words: types, and the names of actions. */
export { AUDIT_ACTIONS, AUDIT_OUTCOMES, type AuditAction, type AuditOutcome } from './audit.ts'
export type * from './dead-letters.ts'
export type * from './groups.ts'
export type * from './keys.ts'
export type * from './publishing.ts'
