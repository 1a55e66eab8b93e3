import type { Validator } from 'typebox/schema'
import { compileSchema, namedTypes } from './compiled-schema.ts'
import { EventSystemError, type Fault } from './errors.ts'
import type { EventType } from './event-types.ts'
import { refusalOf } from './faults.ts'
import { below, keysOf, pathOf } from './json-pointer.ts'
import { isJsonObject, shown } from './json-value.ts'
import { misspeltAs } from './nearest.ts'
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

/** Checks data against the schema of an event type. Throws `invalid_data` with the pointer from the event's root, and all faults that are found. */
export function assertData(eventType: string, schema: object, data: unknown, validation: Validation): void {
  if (validation === 'off') return
  if (validation !== 'strict' && validation !== 'platform') {
    const sentence = `validation must be ${inWords(VALIDATIONS)}, got ${shown(validation)}.`
    throw new EventSystemError('invalid_options', sentence)
  }
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
  const found = new Map<string, Fault>()
  for (const error of validator.Errors(data)[1]) {
    for (const fault of faultsIn(error, eventType, schema, data)) {
      if (!found.has(fault.pointer)) found.set(fault.pointer, fault)
    }
  }
  if (found.size > 0) return refusalOf('invalid_data', [...found.values()])
  const detail = `data of ${withArticle(eventType)} does not fit its schema.`
  return refusalOf('invalid_data', [{ pointer: '/data', detail }])
}

type SchemaError = ReturnType<Validator['Errors']>[1][number]

function faultsIn(error: SchemaError, eventType: string, schema: object, data: unknown): Fault[] {
  const value = at(data, keysOf(error.instancePath))
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((name) => missing(name as string, error, eventType, schema, value))
  }
  const pointer = `/data${error.instancePath}`
  const rule = ruleOf(error, schemaAt(schema, error.schemaPath.slice(1)))
  return [{ pointer, detail: `${pathOf(pointer)} of ${withArticle(eventType)} ${rule}, got ${shown(value)}.` }]
}

function missing(name: string, error: SchemaError, eventType: string, schema: object, value: unknown): Fault {
  const pointer = below(`/data${error.instancePath}`, name)
  const wanted = inBrackets(schemaAt(schema, below(`${error.schemaPath.slice(1)}/properties`, name)))
  const misspelt = isJsonObject(value) ? misspeltAs(name, value) : ''
  return { pointer, detail: `${pathOf(pointer)} of ${withArticle(eventType)} is missing${wanted}${misspelt}.` }
}

function ruleOf(error: SchemaError, broken: unknown): string {
  if (error.keyword === 'type') return typeRule(error.params.type)
  const words = isJsonObject(broken) ? broken.enum : undefined
  // At the level `platform` a pattern stands for the words.
  if (isTexts(words)) return `must be ${inWords(words)}`
  return `${error.message}${error.keyword === 'pattern' ? inBrackets(broken) : ''}`
}

function isTexts(values: unknown): values is readonly string[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'string')
}

/** `BUY, SELL or HOLD`. */
function inWords(words: readonly string[]): string {
  const [last, ...others] = words.toReversed()
  return others.length === 0 ? `${last}` : `${others.reverse().join(', ')} or ${last}`
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
  const description = described(schema)
  return description === undefined ? '' : ` (${description})`
}

function described(schema: unknown): string | undefined {
  const description = isJsonObject(schema) ? schema.description : undefined
  return typeof description === 'string' ? description.replace(/\.$/, '') : undefined
}
