/**
 * Consuming: the members of a consumer group share the entries of the log, hand each event to the handlers registered
 * for its type, and acknowledge it when all of them are done. A handler that throws is tried again with a backoff; an
 * event that fails every attempt, or that is no event at all, goes to the dead letters. At least once: a crash between a
 * handler's end and its acknowledgement runs it again.
 */
export { type ConsumeOptions, type ConsumerReport, EventConsumer } from './consumer.ts'
export { type Handler, type HandlerContext, HandlerRegistry } from './handlers.ts'
export { EventSubscriber, type EventSubscriberOptions } from './subscriber.ts'
