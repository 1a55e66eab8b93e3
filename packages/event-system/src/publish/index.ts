/**
 * Publishing: an event is validated, stamped with what caused it, encoded, gathered with those published at the same
 * moment, and appended. A publish that resolved is in the log, as durable as the log's adapter says; one that rejected
 * carries a code that says whether anything was written.
 */
export { EventPublisher, type EventPublisherOptions, type PublishOptions, type PublishReceipt } from './publisher.ts'
