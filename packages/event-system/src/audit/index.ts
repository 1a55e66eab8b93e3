/**
 * The audit log: a chain of entries in a log of its own that says who did what. Each entry has the hash of the one before, so that
 * a change or a removal shows. The program that does the actions records them here; `EventSystem` itself records nothing.
 */
import '../runtime/index.ts'

export {
  AUDIT_ACTIONS as ACTIONS,
  AUDIT_OUTCOMES as OUTCOMES,
  type AuditAction,
  type AuditOutcome
} from '@tradpal/events'
export { Audit, type AuditResult, type Begun } from './audit.ts'
export { CHAIN } from './chain.ts'
export { type Actor, type AuditDraft, type AuditEntry, type Head, headText, parseHead } from './entry.ts'
export type { Publishing, Refusal } from './gathering.ts'
export type { AuditOptions } from './options.ts'
export type { AuditQuery, ListedEntry } from './query.ts'
export type { Settling } from './settled.ts'
export type { ChainFault, Expectation, Verification } from './verification.ts'
