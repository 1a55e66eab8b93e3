/**
 * The port of the storage. An adapter (SQLite, Redis, or one of your own) implements {@link Storage}; the conformance suite beside
 * this file has one test for each sentence here, in the same order and words. The log knows payloads, not events: it
 * stores text under an event id and a type, and never looks inside.
 */
export type * from './port/collections.ts'
export type * from './port/consumer-group.ts'
export type * from './port/counters.ts'
export type * from './port/cursors.ts'
export type * from './port/deliveries.ts'
export type * from './port/entries.ts'
export type * from './port/leases.ts'
export type * from './port/log.ts'
export type * from './port/partitioned.ts'
export type * from './port/rates.ts'
export type * from './port/storage.ts'
export type * from './port/unit.ts'
export type * from './port/work-queue.ts'
