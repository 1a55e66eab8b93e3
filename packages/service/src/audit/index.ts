/**
 * Who did what with the log: a chain of entries in a log of its own, each with the hash of the one before, so that it shows
 * when one was changed or removed. Nothing here knows HTTP; `http/auditing.ts` and the command line say what was done.
 */
export { Audit, type Begun } from './audit.ts'
export { CHAIN } from './chain.ts'
export { type AuditConfiguration, readAudit, saidOf } from './configuration.ts'
export { ACTIONS, type Actor, type AuditAction, headText, OUTCOMES, parseHead } from './entry.ts'
export type { Refusal } from './gathering.ts'
export type { ListedEntry } from './query.ts'
