/**
 * What an event of the platform is: its types and their schemas, the `Event` itself, and its form on the wire. What
 * this package cannot read or write exactly it refuses, with a code, a JSON pointer and a sentence. It does no I/O, so
 * that it runs in a browser as it does on a server.
 */
export { AGES, ageMs, parseAge } from './age.ts'
export { type BackoffOptions, backoffMs, DEFAULT_BACKOFF } from './backoff.ts'
export { type Clock, systemClock } from './clock.ts'
export { counted } from './counted.ts'
export { VALIDATIONS, type Validation } from './data-check.ts'
export { defineEventType } from './define-event-type.ts'
export {
  ERROR_CODES,
  type ErrorCode,
  EventSystemError,
  type EventSystemErrorOptions,
  type Fault,
  isRetryable
} from './errors.ts'
export {
  type Answer,
  type CreateEventOptions,
  createEvent,
  type DataFault,
  type Event,
  type EventMetadata,
  type EventOf,
  type InvalidEvent,
  type ReadOptions,
  type StoredEvent,
  type StoredEventOf,
  type StreamEvent,
  type ValidEvent,
  validateEvent,
  withCanonicalType
} from './event.ts'
export { newEventId } from './event-id.ts'
export type * from './event-type-names.ts'
export { EVENT_TYPE_ALIASES, EventType } from './event-types.ts'
export { stringifyJson } from './exact-json.ts'
export { checkAll, faultsOf, MOST_FAULTS, refusalOf } from './faults.ts'
export { isJsonObject, type JsonObject, type JsonValue, sameJson } from './json-value.ts'
export { symbolOf } from './key.ts'
export { type Lineage, lineageId, withLineage } from './lineage.ts'
export { meantBy, misspeltAs, nearestOf } from './nearest.ts'
export { answerOf, checkData, type Newest, newestForm, readForm, tryNewestForm } from './newest-form.ts'
export { type OptionNames, onlyOptions, unknownOptions } from './only-options.ts'
export * from './operations/index.ts'
export {
  canonicalTypeOf,
  type EventTypeDefinition,
  isKnownEventType,
  knownEventTypes,
  parseEventTypes,
  registerEventType,
  resolveEventType,
  schemaOf,
  validateData
} from './registry.ts'
export { repeatedMemberIn } from './repeated-members.ts'
export {
  type Compatibility,
  compareSchemas,
  type SchemaComparison,
  type SchemaDifference
} from './schema-compatibility.ts'
export type * from './schemas/data-types/index.ts'
export { eventSchemas } from './schemas/index.ts'
export {
  assertExpectedVersions,
  assertFromVersion,
  assertStreamKey,
  isKey,
  type StreamVersion,
  versionConflict
} from './stream-version.ts'
export { formatTimestamp, normalizeTimestamp, timestampMs } from './timestamp.ts'
export { newestVersionOf, registerUpcaster, type Upcaster, upcastEvent, upcastIfPossible } from './upcasting.ts'
export { type HandlerVerdict, Reject, RetryLater, verdictOf } from './verdicts.ts'
export {
  AS_STORED,
  type DecodeOptions,
  decodeEvent,
  encodeEvent,
  encodeEventBytes,
  encodeParts,
  fromParsed,
  fromWire,
  parseJson,
  parseStoredJson,
  toWire,
  type WireEvent
} from './wire.ts'
export { decodeEvents, encodeJsonArray, encodeNdjson } from './wire-batch.ts'
