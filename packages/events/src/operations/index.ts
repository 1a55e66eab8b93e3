/** The types that the library and the client share for operators and publishers, and the names of actions. */
export { AUDIT_ACTIONS, AUDIT_OUTCOMES, type AuditAction, type AuditOutcome } from './audit.ts'
export type * from './dead-letters.ts'
export type * from './groups.ts'
export type * from './keys.ts'
export type * from './publishing.ts'
export type * from './rates.ts'
