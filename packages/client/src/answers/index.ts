/**
 * The service's answers, snake_case, to the client's results, camelCase. The names of fields are those of the API's documents, by
 * their types. An answer that lacks a field is refused with `http_error` and the name of the field, so that a wrong service is told
 * from a wrong caller.
 */
export * from './audit.ts'
export * from './dead-letters.ts'
export * from './events.ts'
export * from './groups.ts'
export * from './keys.ts'
export * from './monitoring.ts'
export { type TrimReport, trimReportOf } from './trimming.ts'
