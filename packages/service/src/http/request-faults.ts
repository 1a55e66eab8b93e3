import {
  type EventSystemError,
  type Fault,
  MOST_FAULTS,
  meantBy,
  refusalOf,
  stringifyJson
} from '@tradpal/event-system'
import { counted } from '@tradpal/events'
import type { FastifyError, FastifyRequest } from 'fastify'

/** What is used of a JSON Schema here. */
interface PartSchema {
  readonly properties?: Readonly<Record<string, PartSchema>>
  readonly patternProperties?: Readonly<Record<string, PartSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly anyOf?: readonly PartSchema[]
  readonly const?: unknown
}

type SchemaError = NonNullable<FastifyError['validation']>[number]

/** A part of a request that its schema refuses. */
interface Part {
  /** For the sentence: `query`, `body`. */
  readonly name: string
  readonly schema: PartSchema
  readonly value: unknown
}

/** What is wrong with a request that the schema of its endpoint refuses: every field of the part that was checked. */
export function invalidRequest(
  { validation, validationContext }: FastifyError,
  request: FastifyRequest | undefined
): EventSystemError {
  const part = partOf(validationContext, request)
  const faults = request === undefined ? [] : faultsIn(part, request)
  const [first] = validation ?? []
  if (faults.length === 0 && first !== undefined) faults.push(faultOf(first, part))
  return refusalOf('invalid_argument', faults)
}

function partOf(context: FastifyError['validationContext'], request: FastifyRequest | undefined): Part {
  const schemas = (request?.routeOptions.schema ?? {}) as Readonly<Record<string, PartSchema | undefined>>
  const schema = schemas[context ?? ''] ?? {}
  if (context === 'querystring') return { name: 'query', schema, value: request?.query }
  if (context === 'body' || context === 'params' || context === 'headers') {
    return { name: context, schema, value: request?.[context] }
  }
  return { name: 'request', schema, value: undefined }
}

/** One fault at most for each field, so that a large value makes no large answer. */
function faultsIn(part: Part, request: FastifyRequest): Fault[] {
  const { schema, value } = part
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const fields = value as Readonly<Record<string, unknown>>
  const properties = schema.properties ?? {}
  const unknown =
    schema.additionalProperties === false ? Object.keys(fields).filter((name) => !Object.hasOwn(properties, name)) : []
  const missing = (schema.required ?? []).filter((name) => fields[name] === undefined)
  return [
    ...unknown.slice(0, MOST_FAULTS).map((name) => unknownFault(part, [], name)),
    ...missing.map((name) => ({ pointer: `/${name}`, detail: `${name} is missing.` })),
    ...Object.entries(fieldSchemasOf(schema)).flatMap(([name, alone]) => {
      if (fields[name] === undefined) return []
      const validate = request.compileValidationSchema(alone)
      if (validate({ [name]: fields[name] })) return []
      const words = wordsOf(properties[name])
      if (words !== undefined) return [otherWord(part.value, name, words)]
      return (validate.errors ?? []).map((error) => faultOf(error, part))
    })
  ]
}

/** The values that a field may have, where its schema lists them. */
function wordsOf(schema: PartSchema | undefined): string[] | undefined {
  const alternatives = schema?.anyOf ?? [schema]
  const words = alternatives.flatMap((one) => (one?.const === undefined ? [] : [String(one.const)]))
  return words.length === alternatives.length ? words : undefined
}

function otherWord(value: unknown, field: string, words: readonly string[]): Fault {
  const allowed = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  const detail = `${field} must be ${allowed}${got(valueAt(value, [field]))}.`
  return { pointer: `/${field}`, detail }
}

/** By the schema of a part: for each field the schema of an object with that field only. Fastify compiles each object once. */
const fieldSchemas = new WeakMap<PartSchema, Readonly<Record<string, Record<string, unknown>>>>()

function fieldSchemasOf(part: PartSchema): Readonly<Record<string, Record<string, unknown>>> {
  const known = fieldSchemas.get(part)
  if (known !== undefined) return known
  const made = Object.fromEntries(
    Object.entries(part.properties ?? {}).map(([name, field]) => [
      name,
      { type: 'object', properties: { [name]: field } }
    ])
  )
  fieldSchemas.set(part, made)
  return made
}

/** The sentence is right for those too who have not sent the request themselves, as users of the command line: the pointer says where the field stands. */
function faultOf(error: Partial<SchemaError>, part: Part): Fault {
  const { instancePath = '', params = {} } = error
  const keys = instancePath.split('/').slice(1)
  if (typeof params.additionalProperty === 'string') return unknownFault(part, keys, params.additionalProperty)
  if (keys.length === 0) return { pointer: '', detail: `The ${part.name} ${requirementOf(error)}.` }
  // A parameter that is given once is a list of one.
  const name = part.name === 'query' ? keys[0] : keys.join('.')
  const detail = `${name} ${requirementOf(error)}${got(valueAt(part.value, keys))}.`
  return { pointer: instancePath, detail }
}

/** What a schema counts of a value, by its keywords. */
const COUNTED: Readonly<Record<string, readonly [bound: string, noun: string]>> = {
  minLength: ['at least', 'character'],
  maxLength: ['at most', 'character'],
  minItems: ['at least', 'item'],
  maxItems: ['at most', 'item']
}

/** What is required of a value: by the checker's own words where it does not count. */
function requirementOf({ keyword = '', params = {}, message = 'is wrong' }: Partial<SchemaError>): string {
  const [bound, noun] = COUNTED[keyword] ?? []
  return bound === undefined || noun === undefined
    ? message
    : `must have ${bound} ${counted(Number(params.limit), noun)}`
}

function unknownFault({ name: part, schema }: Part, keys: readonly string[], unknown: string): Fault {
  const where = keys.length === 0 ? `The ${part}` : `${keys.join('.')} in the ${part}`
  const kind = part === 'query' ? 'parameter' : 'field'
  const known = Object.keys(schemaAt(schema, keys)?.properties ?? {})
  const detail = `${where} has a ${kind} ${shown(unknown)} that this endpoint does not take; ${advice(unknown, known)}.`
  return { pointer: `/${[...keys, unknown].join('/')}`, detail }
}

/** What would be right in the place of an unknown name. */
export function advice(unknown: string, known: readonly string[]): string {
  if (known.length === 0) return 'it takes none'
  const meant = meantBy(unknown, known)
  return `${meant === undefined ? 'it' : `did you mean ${meant}? It`} takes ${known.join(', ')}`
}

function schemaAt(schema: PartSchema, keys: readonly string[]): PartSchema | undefined {
  return keys.reduce<PartSchema | undefined>(
    (outer, key) => outer?.properties?.[key] ?? Object.values(outer?.patternProperties ?? {})[0],
    schema
  )
}

function valueAt(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce((outer, key) => (outer as Readonly<Record<string, unknown>> | undefined)?.[key], value)
}

/** Of an object or a list the sentence says enough without it. */
function got(value: unknown): string {
  return value === undefined || (typeof value === 'object' && value !== null) ? '' : `, got ${shown(value)}`
}

function shown(value: unknown): string {
  const text = stringifyJson(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
