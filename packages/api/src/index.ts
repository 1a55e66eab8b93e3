/**
 * The documents of the service's HTTP API, each as a JSON Schema and as the type that follows from it. The service checks
 * requests, writes answers and describes itself by the schemas; the client reads answers by the types. A schema with a
 * `title` is a component of the API's description, under that name.
 */
export * from './audit.ts'
export * from './dead-letters.ts'
export * from './events.ts'
export * from './groups.ts'
export * from './health.ts'
export * from './keys.ts'
export { closed } from './parts.ts'
export * from './problems.ts'
export * from './publishing.ts'
export * from './pulling.ts'
export * from './rates.ts'
export * from './replaying.ts'
export * from './service.ts'
export * from './spool.ts'
export * from './stats.ts'
export * from './streams.ts'
export * from './trimming.ts'
