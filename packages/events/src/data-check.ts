import type { Validator } from 'typebox/schema'
import { compileSchema, namedTypes } from './compiled-schema.ts'
import { EventSystemError } from './errors.ts'
import type { EventType } from './event-types.ts'
import { below, keysOf, pathOf } from './json-pointer.ts'
import { isJsonObject, shown } from './json-value.ts'
import { eventSchemas } from './schemas/index.ts'
import { platformSchemaOf } from './schemas/platform-schema.ts'

/**
 * How the data of an event is checked. `strict`: against the whole schema of its type. `platform`: of a type of the
 * platform, only the guarded fields that are present and not null; of a registered type, its whole schema. `off`: not
 * at all, beyond that it is an object.
 */
export type Validation = (typeof VALIDATIONS)[number]

/** The levels of {@link Validation}, the strictest first. */
export const VALIDATIONS = ['strict', 'platform', 'off'] as const

/** By schema: made when the first event of a type is checked. */
const strict = new WeakMap<object, Validator>()
const platform = new WeakMap<object, Validator>()

/** Checks data against the schema of an event type. Throws `invalid_data` with the pointer from the event's root. */
export function assertData(eventType: string, schema: object, data: unknown, validation: Validation): void {
  if (validation === 'off') return
  const validator = validatorOf(eventType, schema, validation)
  if (!validator.Check(data)) throw refusedData(eventType, schema, validator, data)
}

function validatorOf(eventType: string, schema: object, validation: 'strict' | 'platform'): Validator {
  const isPlatformType = Object.hasOwn(eventSchemas, eventType)
  if (validation === 'strict' || !isPlatformType) return remembered(strict, schema, () => schema)
  return remembered(platform, schema, () => platformSchemaOf(eventSchemas[eventType as EventType]))
}

function remembered(validators: WeakMap<object, Validator>, schema: object, source: () => object): Validator {
  const known = validators.get(schema)
  if (known !== undefined) return known
  const validator = compileSchema(source())
  validators.set(schema, validator)
  return validator
}

function refusedData(eventType: string, schema: object, validator: Validator, data: unknown): EventSystemError {
  const [error] = validator.Errors(data)[1]
  if (error === undefined) {
    return new EventSystemError('invalid_data', `data of ${withArticle(eventType)} does not fit its schema.`, {
      pointer: '/data'
    })
  }
  if (error.keyword === 'required') {
    const missing = error.params.requiredProperties[0] as string
    const pointer = below(`/data${error.instancePath}`, missing)
    const wanted = inBrackets(schemaAt(schema, below(`${error.schemaPath.slice(1)}/properties`, missing)))
    const sentence = `${pathOf(pointer)} of ${withArticle(eventType)} is missing${wanted}.`
    return new EventSystemError('invalid_data', sentence, { pointer })
  }
  const pointer = `/data${error.instancePath}`
  const described = error.keyword === 'pattern' ? inBrackets(schemaAt(schema, error.schemaPath.slice(1))) : ''
  const value = shown(at(data, keysOf(error.instancePath)))
  const rule = error.keyword === 'type' ? typeRule(error.params.type) : error.message
  const sentence = `${pathOf(pointer)} of ${withArticle(eventType)} ${rule}${described}, got ${value}.`
  return new EventSystemError('invalid_data', sentence, { pointer })
}

function typeRule(types: string | readonly string[]): string {
  const named = namedTypes(types)
  return `must be ${named.length > 1 ? 'either ' : ''}${named.join(' or ')}`
}

function withArticle(eventType: string): string {
  return `${/^[aeio]/.test(eventType) ? 'an' : 'a'} ${eventType}`
}

function schemaAt(schema: object, pointer: string): unknown {
  return at(schema, keysOf(pointer))
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value)
}

function inBrackets(schema: unknown): string {
  const description = isJsonObject(schema) ? schema.description : undefined
  return typeof description === 'string' ? ` (${description.replace(/\.$/, '')})` : ''
}
