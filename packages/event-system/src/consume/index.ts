/**
 * Consuming: the members of a consumer group share the events of the log, hand each to the handlers registered for its
 * type, and acknowledge it when all of them are done.
 *
 * An intake brings deliveries, entry by entry or partition by partition, and knows what is still this consumer's; lanes say whose
 * turn it is; the handling runs the handlers and says how it ended; the settler writes that to the log. The consumer
 * wires them.
 */
export { type BatchItem, type BatchOptions, batchHandler } from './batch-handler.ts'
export { type ConsumerReport, EventConsumer } from './consumer.ts'
export type { HandlerContext } from './context.ts'
export { messageIdOfDelivery } from './delivery-id.ts'
export { type Accepted, type Handler, type HandlerOptions, HandlerRegistry } from './handlers.ts'
export type { ConsumeOptions } from './options.ts'
export { EventPuller, type EventPullerOptions, type PulledEvent } from './pull.ts'
export type { PullOptions } from './pull-options.ts'
export type { NackOptions, NackResult, SettleOptions } from './pulled-settling.ts'
export { EventSubscriber, type EventSubscriberOptions } from './subscriber.ts'
