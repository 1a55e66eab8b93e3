/**
 * Where events go that the log does not take in time: a log on the disk of this machine, from which they are brought into
 * the log, in order and once, when it is there again. A record is what one call published, all or none. What the
 * log refuses for good is kept apart, for an operator.
 */
export { readSpool, type SpooledEvent } from './read-spool.ts'
export { discardRefused, type RefusedEvent, readRefused } from './refused.ts'
export { Spool, type SpoolStats } from './spool.ts'
