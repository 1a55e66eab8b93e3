/**
 * Publishing, stage by stage: an event is validated, stamped with what caused it and encoded (publisher), let in when
 * there is room (backpressure), gathered with those published at the same moment and appended, again and again until its
 * time is up (group commit), not at all while the log fails (circuit), and kept on the disk of this machine when the log does
 * not take it in time (spool). A publish that resolved is in the log, as durable as the log's adapter says, or in the
 * spool, which its receipt says; one that rejected carries a code that says whether anything was written. An event whose id was
 * published before is compared with the first one of that id (repeats).
 */
export type { BackpressureOptions } from './backpressure.ts'
export { EventIdConflictError } from './event-id-conflict.ts'
export type { EventPublisherOptions, PublishOptions, SpoolOptions } from './options.ts'
export { EventPublisher, type PublisherState } from './publisher.ts'
export {
  discardRefused,
  type RefusedEvent,
  readRefused,
  readSpool,
  type SpooledEvent,
  type SpoolStats
} from './spool/index.ts'
export type { PublishTransaction } from './transaction.ts'
