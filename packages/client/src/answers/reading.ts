import { EventSystemError, timestampMs } from '@tradpal/events'
import type { JsonParts } from '../json-object.ts'

/** Reads a value of an answer; `name` is that of its field, for the error. Throws `http_error`. */
export type Reader<Value> = (value: unknown, name: string) => Value

/** The name of the answer itself in an error. */
const DOCUMENT = 'the document'

/** `messageId` as the wire spells it: `message_id`. */
type OnTheWire<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${OnTheWire<Rest>}`
  : ''

/** A reader for each field of an answer, by its name in the document of the service. A name that the document lacks takes none. */
type Readers<Document, Answer> = {
  readonly [Name in keyof Answer & string as OnTheWire<Name>]-?: OnTheWire<Name> extends keyof Document
    ? Reader<Answer[Name]>
    : never
}

/** Makes a reader of a document: its fields, under their names in camelCase. */
export function reader<Document, Answer>(
  readers: Readers<Document, Answer>
): (value: unknown, name?: string) => Answer {
  const fields = Object.entries<Reader<unknown>>(readers).map(([name, read]) => {
    return { name, read, answered: name.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase()) }
  })
  return (value, name = DOCUMENT) => {
    const parts = object<JsonParts>(value, name)
    const read = fields.map(({ name, answered, read }) => [answered, read(parts[name], name)] as const)
    return Object.fromEntries(read.filter(([, part]) => part !== undefined)) as Answer
  }
}

/** Makes a reader of one field of a document. */
export function field<Document, Value>(name: keyof Document & string, read: Reader<Value>): (body: unknown) => Value {
  return (body) => read(object<JsonParts>(body, DOCUMENT)[name], name)
}

export function text<Text extends string>(value: unknown, name: string): Text {
  if (typeof value === 'string') return value as Text
  throw lacking(`${name} is missing or no text.`)
}

export function number(value: unknown, name: string): number {
  if (typeof value === 'number') return value
  throw lacking(`${name} is missing or no number.`)
}

export function boolean(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw lacking(`${name} is missing or neither true nor false.`)
}

/** A time, in ms since the epoch. */
export function time(value: unknown, name: string): number {
  return timestampMs(text(value, name))
}

export function object<Value extends object>(value: unknown, name: string): Value {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Value
  throw lacking(`${name} is missing or no object.`)
}

/** Numbers by names. */
export function counts(value: unknown, name: string): Record<string, number> {
  const entries = Object.entries(object<JsonParts>(value, name))
  return Object.fromEntries(entries.map(([key, count]) => [key, number(count, key)]))
}

/** A list, each item of which `read` takes. */
export function list<Item>(read: Reader<Item>): Reader<Item[]> {
  return (value, name) => {
    if (Array.isArray(value)) return value.map((item) => read(item, `an item of ${name}`))
    throw lacking(`${name} is missing or no list.`)
  }
}

export function orNull<Value>(read: Reader<Value>): Reader<Value | null> {
  return (value, name) => (value === null ? null : read(value, name))
}

/** A field that may be left out. */
export function optional<Value>(read: Reader<Value>): Reader<Value | undefined> {
  return (value, name) => (value === undefined || value === null ? undefined : read(value, name))
}

/** A mark that is there or is left out. */
export function mark(value: unknown): true | undefined {
  return value === true ? true : undefined
}

export function lacking(message: string): EventSystemError {
  return new EventSystemError('http_error', message)
}
