import { Compile, Meta, type Validator } from 'typebox/schema'
import { compileSchema } from './compiled-schema.ts'
import { assertData, type Validation } from './data-check.ts'
import { EventSystemError } from './errors.ts'
import { EVENT_TYPE_ALIASES, EventType } from './event-types.ts'
import { below } from './json-pointer.ts'
import { isJsonObject, type JsonObject, sameJson, shown } from './json-value.ts'
import { nearestOf } from './nearest.ts'
import { onlyOptions } from './only-options.ts'
import { unresolvedReference } from './schema-references.ts'
import { eventSchemas } from './schemas/index.ts'

/** A type beyond the platform's own. */
export interface EventTypeDefinition {
  /** As it stands on the wire: a lower-case letter, then up to 63 lower-case letters, digits and underscores. */
  readonly name: string
  /** The JSON Schema (2020-12, or the draft that its `$schema` names) of what its events carry. */
  readonly schema: object
  /** What such an event says, for people. */
  readonly description?: string
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/
const DEFAULT_DRAFT = 'https://json-schema.org/draft/2020-12/schema'

const types = new Map<string, object>(Object.values(EventType).map((name) => [name, eventSchemas[name]]))
const metaValidators = new Map<string, Validator>()

/**
 * Makes a further event type known to this process. Registering the same name with the same schema again does nothing.
 * Throws `invalid_event_type` when the name has the wrong form or is one of the platform's, when the schema is no JSON
 * Schema of an object, or when the name stands for another schema already.
 */
export function registerEventType(definition: EventTypeDefinition): void {
  onlyOptions('registerEventType()', definition, { name: true, schema: true, description: true })
  const { name, schema, description } = readDefinition(definition)
  const described = description === undefined ? schema : { description, ...schema }
  const known = types.get(name)
  if (known !== undefined) {
    if (sameJson(known, described)) return
    throw refusedType(name, 'is registered already, with another schema')
  }
  types.set(name, described)
}

/**
 * Reads the content of a file of event types, `{"order_cancelled": <JSON Schema>, …}`, and registers nothing.
 * Throws `invalid_event_type`, naming the type, for what {@link registerEventType} would refuse.
 */
export function parseEventTypes(json: unknown): EventTypeDefinition[] {
  if (!isJsonObject(json)) {
    throw new EventSystemError(
      'invalid_event_type',
      `Event types must be an object of JSON Schemas by name, such as {"order_cancelled": {"type": "object"}}, got ${shown(json)}.`,
      { pointer: '' }
    )
  }
  return Object.entries(json).map(([name, schema]) => readDefinition({ name, schema: schema as object }))
}

/** The names of all event types: the platform's 19, then the registered ones in the order of their registration. */
export function knownEventTypes(): string[] {
  return [...types.keys()]
}

/** Whether events of this type can be published. An alias is not a type. */
export function isKnownEventType(name: string): boolean {
  return types.has(name)
}

/**
 * The event type that a name on the wire stands for: itself, or what it is an alias of.
 * Throws `unknown_event_type`, listing the nearest known ones.
 */
export function resolveEventType(name: string): string {
  if (types.has(name)) return name
  if (typeof name !== 'string') {
    const sentence = `An event type must be a text such as trading_signal, got ${shown(name)}.`
    throw new EventSystemError('unknown_event_type', sentence, { pointer: '/event_type' })
  }
  const aliased = aliasOf(name)
  if (aliased !== undefined) return aliased
  const nearest = nearestOf(name, knownEventTypes(), 3)
  throw new EventSystemError(
    'unknown_event_type',
    `There is no event type ${shown(name)}. The nearest known ones are ${nearest.join(', ')}.`,
    { pointer: '/event_type' }
  )
}

const aliases: ReadonlyMap<string, EventType> = new Map(Object.entries(EVENT_TYPE_ALIASES))

/** What a name is an alias of, if of anything. */
export function aliasOf(name: string): EventType | undefined {
  return aliases.get(name)
}

/** The canonical name of an event type, be it known here or not. */
export function canonicalTypeOf(name: string): string {
  return aliasOf(name) ?? name
}

/** The JSON Schema of what events of a type carry. Throws `unknown_event_type`. */
export function schemaOf(eventType: string): object {
  return types.get(eventType) ?? (types.get(resolveEventType(eventType)) as object)
}

/**
 * Checks the data of the newest version of a type. Default: `strict`. Throws `invalid_data` with the pointer from the
 * event's root, or `unknown_event_type`.
 */
export function validateData(eventType: string, data: unknown, validation: Validation = 'strict'): void {
  const type = types.has(eventType) ? eventType : resolveEventType(eventType)
  assertData(type, types.get(type) as object, data, validation)
}

function readDefinition({ name, schema, description }: EventTypeDefinition): EventTypeDefinition {
  if (typeof name !== 'string' || !NAME.test(name)) {
    const rule = 'must be a lower-case letter, then up to 63 lower-case letters, digits and underscores'
    throw refusedType(name, `is no name of an event type: it ${rule}`)
  }
  if (Object.hasOwn(eventSchemas, name)) throw refusedType(name, "is one of the platform's own types")
  const aliased = aliasOf(name)
  if (aliased !== undefined) throw refusedType(name, `is an alias of the platform's own ${aliased}`)
  if (!isJsonObject(schema)) throw refusedType(name, `must have a JSON Schema object, got ${shown(schema)}`)
  const copy = copyOf(name, schema)
  checkSchema(name, copy)
  return { name, schema: copy, ...(description === undefined ? {} : { description }) }
}

/** What the caller does with its own object later changes nothing here. */
function copyOf(name: string, schema: JsonObject): JsonObject {
  try {
    return JSON.parse(JSON.stringify(schema)) as JsonObject
  } catch {
    throw refusedType(name, 'has a schema that JSON cannot carry: no integer in it may be beyond 2^53')
  }
}

function checkSchema(name: string, schema: JsonObject): void {
  const asked = schema.$schema
  const draft = typeof asked === 'string' && Object.hasOwn(Meta, asked) ? asked : DEFAULT_DRAFT
  const meta = metaValidators.get(draft) ?? Compile(Meta[draft as keyof typeof Meta])
  metaValidators.set(draft, meta)
  if (!meta.Check(schema)) {
    const [error] = meta.Errors(schema)[1]
    const where = error?.instancePath || '/'
    throw refusedType(name, `has a schema that is no JSON Schema: ${where} ${error?.message}`, where)
  }
  const type = schema.type
  if (type !== undefined && ![type].flat().includes('object')) {
    throw refusedType(name, `has a schema of ${shown(type)}: what an event carries is an object`, '/type')
  }
  const reference = unresolvedReference(schema)
  if (reference !== undefined) {
    const reason = `refers to ${shown(reference)}, which its schema has not: a $ref leads to a place in the same schema, such as #/$defs/price`
    throw refusedType(name, reason)
  }
  try {
    compileSchema(schema)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError(
      'invalid_event_type',
      `The event type ${name} has a schema that cannot be used: ${reason}.`,
      {
        cause,
        pointer: below('', name)
      }
    )
  }
}

function refusedType(name: unknown, reason: string, inSchema = ''): EventSystemError {
  const pointer = `${below('', String(name))}${inSchema === '/' ? '' : inSchema}`
  return new EventSystemError('invalid_event_type', `The event type ${shown(name)} ${reason}.`, { pointer })
}
