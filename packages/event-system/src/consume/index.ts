/**
 * Consuming: the members of a consumer group share the events of the log, hand each to the handlers registered for its
 * type, and acknowledge it when all of them are done.
 *
 * A fetcher brings deliveries, entry by entry or partition by partition; they are decoded, and `in-flight.ts`, a state machine,
 * says which may run; the runner runs handlers; the acknowledger writes to the log how each ended. `failure-policy.ts` decides when
 * a handler is tried again and when it is given up. `consumer.ts` wires them. `pulled/` is for callers that handle events elsewhere.
 */
export { type BatchItem, type BatchOptions, batchHandler } from './batch-handler.ts'
export { type ConsumerReport, EventConsumer } from './consumer.ts'
export type { HandlerContext } from './context.ts'
export { type Accepted, type Handler, type HandlerOptions, HandlerRegistry } from './handlers.ts'
export type { ConsumeOptions } from './options.ts'
export { messageIdOfDelivery } from './pulled/delivery-id.ts'
export type { PullOptions } from './pulled/pull-options.ts'
export { EventPuller, type EventPullerOptions, type PulledEvent } from './pulled/puller.ts'
export type { NackOptions, NackResult, SettleOptions } from './pulled/settling.ts'
export { EventSubscriber, type EventSubscriberOptions } from './subscriber.ts'
