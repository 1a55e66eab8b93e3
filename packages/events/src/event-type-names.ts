import type { EVENT_TYPE_ALIASES, EventType } from './event-types.ts'
import type { JsonObject } from './json-value.ts'
import type { EventDataMap } from './schemas/data-types/index.ts'

declare const carried: unique symbol

/** The name of a type of {@link defineEventType}. It is a string; only the compiler knows which data the type carries. */
export type DefinedEventType<Name extends string = string, Data = JsonObject> = Name & { readonly [carried]: Data }

type Aliases = typeof EVENT_TYPE_ALIASES

/** The names that the compiler knows without {@link defineEventType}: the platform's types, and their aliases. */
export type KnownEventType = EventType | keyof Aliases

/** Whether the compiler lets a name pass: a `string`, whose value it does not know, is checked at run time. */
type Passes<T extends string, More extends string = never> = string extends T
  ? true
  : [T] extends [KnownEventType | DefinedEventType<string, unknown> | More]
    ? true
    : false

/**
 * A name of an event type, as the compiler checks it. A literal must be a {@link KnownEventType}, and a defined type is
 * passed as {@link defineEventType} returned it. A `string`, whose value the compiler does not know, is checked at run time.
 */
export type EventTypeName<T extends string> = Passes<T> extends true ? T : KnownEventType

/** One event type or several, each as {@link EventTypeName} says; `'*'` stands for all. */
export type EventTypeFilter<T extends string> =
  Passes<T, '*'> extends true ? T | readonly T[] : KnownEventType | '*' | readonly (KnownEventType | '*')[]

/** The `eventType` of events that a name stands for. */
export type CanonicalType<T extends string> = T extends keyof Aliases ? Aliases[T] : T extends '*' ? string : T

/** What an event of a type carries: typed for the platform's types and for defined ones, any JSON object for others. */
export type EventData<T extends string> =
  T extends DefinedEventType<string, infer Data>
    ? Readonly<Data>
    : CanonicalType<T> extends EventType
      ? Readonly<EventDataMap[CanonicalType<T>]>
      : JsonObject
