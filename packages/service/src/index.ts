/**
 * The event service: the HTTP API over an event system, and the process around it. It holds no behaviour that the library
 * lacks. The `tradpal-events serve` command runs it; a program that embeds it calls {@link startService}, or puts the
 * {@link buildApp} of an event system of its own wherever it likes.
 */
export { readServiceConfiguration, type ServiceConfiguration } from './configuration.ts'
export { type AppOptions, buildApp } from './http/app.ts'
export { ConsumerMetrics } from './http/consumer-metrics.ts'
export type { App } from './http/context.ts'
export { type RunningService, type ServiceOptions, serve, startService } from './serve.ts'
